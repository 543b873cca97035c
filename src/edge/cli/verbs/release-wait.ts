import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Readiness } from '#contract';
import { GyreError, hasCode } from '#core';
import type { Cli } from '../cli.ts';
import type { Client } from '../client.ts';
import { exitCodes } from '../exit-codes.ts';
import type { Bind, VerbResult } from '../verb.ts';
import { examples } from '../verb.ts';
import { modelVersion } from './model-reference.ts';

interface WaitOptions {
  readonly until: string;
  readonly timeout: string;
  readonly every: string;
}

/** What has to be there for each word of `--until`. */
const wanted: Readonly<Record<string, readonly string[] | 'all'>> = {
  tested: ['evidence', 'executes_code', 'test_report', 'application_tests'],
  certified: ['evidence', 'executes_code', 'test_report', 'application_tests', 'certification'],
  ready: 'all',
};
/** What nobody's word changes any more. */
const settled = ['test_report', 'revocation'];

/** The verb that waits for people. */
export function registerReleaseWait(release: Command, bind: Bind): void {
  release
    .command('wait')
    .description(
      'Waits until people have certified and approved a version for an environment. They find it in their queue ("Waiting for you"). Exit code 1 when somebody says no, 5 when the time is over.',
    )
    .argument('<version>', 'such as churn/2')
    .argument('[environment]', 'where it should go', 'production')
    .option('--until <stage>', `${Object.keys(wanted).join(', ')}`, 'ready')
    .option('--timeout <time>', 'how long, such as 30m, 12h or 3d', '24h')
    .option('--every <time>', 'how often to look', '5s')
    .addHelpText('after', examples('gyre release wait churn/2 production', 'gyre release wait churn/2 production --until certified --timeout 3d'))
    .action(bind<WaitOptions>((cli, options, reference, environment = 'production') => cli.withClient((client) => wait(cli, client, options, reference, environment)))); // prettier-ignore
}

async function wait(cli: Cli, client: Client, options: WaitOptions, reference: string, environment: string): VerbResult {
  const gates = Object.hasOwn(wanted, options.until) ? wanted[options.until] : undefined;
  if (gates === undefined)
    throw new GyreError('INVALID_ARGUMENT', `--until "${options.until}" is none of ${Object.keys(wanted).join(', ')}`);
  const { parseDuration } = await import('#project');
  const everyMs = Math.max(100, parseDuration(options.every));
  const endsAt = performance.now() + parseDuration(options.timeout);
  const version = await modelVersion(client, reference);
  const name = `${version.model}/${version.version}`;
  const { output, host } = cli;
  let told = '';
  for (;;) {
    const readiness = await lookedUp(client, version.id, environment);
    const missing = readiness?.missing.filter(({ gate }) => gates === 'all' || gates.includes(gate) || gate === 'revocation');
    if (readiness !== undefined && missing?.length === 0) {
      output.facts(readiness, () => output.line(`${output.style('green', options.until)}: ${name} for ${environment}`));
      return exitCodes.ok;
    }
    const refused = readiness?.missing.filter(({ gate, refused: no }) => no === true || settled.includes(gate)) ?? [];
    if (readiness !== undefined && refused.length > 0) {
      output.facts(readiness, () => {
        for (const { gate, reason } of refused) output.line(`${output.style('red', 'refused')} ${gate}: ${reason}`);
      });
      return exitCodes.failed;
    }
    const words = missing === undefined ? 'the server does not answer' : missing.map(({ reason }) => reason).join('; ');
    if (words !== told) output.note(`${name} waits: ${words} (${client.address}/waiting)`);
    told = words;
    const leftMs = endsAt - performance.now();
    if (leftMs <= 0)
      throw new GyreError('DEADLINE_EXCEEDED', `${name} still waits after ${options.timeout}: ${words}`, { modelVersion: version.id });
    await sleep(Math.min(everyMs, leftMs), undefined, { signal: host.signal }).catch(() => undefined);
    if (host.signal.aborted) throw new GyreError('CANCELLED', 'stopped');
  }
}

/** A server that is started anew meanwhile is waited for as well. */
async function lookedUp(client: Client, modelVersionId: string, environment: string): Promise<Readiness | undefined> {
  try {
    return await client.get<Readiness>('readiness', { modelVersion: modelVersionId, environment });
  } catch (error) {
    if (hasCode(error, 'UNAVAILABLE')) return undefined;
    throw error;
  }
}
