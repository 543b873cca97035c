import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { RollSpec, Rollout } from '#contract';
import { GyreError } from '#core';
import type { Cli } from '../cli.ts';
import type { Client } from '../client.ts';
import { exitCodes } from '../exit-codes.ts';
import { listFlags, listQuery, pageNote } from '../lists.ts';
import type { ListFlags, Page } from '../lists.ts';
import { when } from '../output.ts';
import type { Bind } from '../verb.ts';
import { examples } from '../verb.ts';
import { modelVersion, versionNames } from './model-reference.ts';

const lookEveryMs = 1_000;

interface StartFlags {
  readonly to: string;
  readonly strategy?: string;
  readonly steps?: string;
  readonly for?: string;
  readonly sample?: string;
  readonly reason: string;
}

/** The verbs of rollouts. */
export function registerReleaseRollout(release: Command, bind: Bind): void {
  const rollout = release
    .command('rollout')
    .summary('step by step: start, status, list, pause, resume, promote, rollback')
    .description(
      'Brings a version to an environment step by step: it takes a growing part of the traffic, or answers nobody as a shadow, and is judged at each step. It goes on, pauses or is taken back by itself, as "roll" in gyre.yaml says.',
    )
    .addHelpText(
      'after',
      examples(
        'gyre release rollout start churn/2 --to production',
        'gyre release rollout start churn/2 --to production --steps 5%:10m,25%:30m',
        'gyre release rollout status production --follow',
        'gyre release rollout rollback production --reason "…"',
      ),
    );
  rollout
    .command('start')
    .description('Gives a version the first share of an environment’s traffic.')
    .argument('<version>', 'such as churn/2')
    .requiredOption('--to <environment>', 'such as production')
    .option('--strategy <name>', 'canary or shadow, otherwise than gyre.yaml says')
    .option('--steps <list>', 'of a canary: shares and how long each lasts at least, such as 5%:10m,25%:30m')
    .option('--for <time>', 'of a shadow: how long at least, such as 1h')
    .option('--sample <share>', 'of a shadow: the share of requests that it is asked, such as 10%')
    .option('--reason <text>', 'why, for the record', 'gyre release rollout start')
    .action(
      bind<StartFlags>((cli, options, reference) =>
        cli.withClient(async (client) => {
          const { id } = await modelVersion(client, reference);
          const roll = rollOf(options);
          const begun = await client.post<Rollout>('rollouts', {
            environment: options.to,
            modelVersion: id,
            ...(roll === undefined ? {} : { roll }),
            reason: options.reason,
          });
          await show(cli, client, begun);
        }),
      ),
    );
  rollout
    .command('status')
    .description('Shows a rollout with its checks; exits with 3 when it was taken back or could not begin.')
    .argument('<rollout>', 'its id, or an environment: the newest one there')
    .option('--follow', 'until it has ended')
    .action(
      bind<{ follow?: boolean }>((cli, { follow = false }, reference) =>
        cli.withClient(async (client) => {
          return follow ? followRollout(cli, client, reference) : showEnded(cli, client, await rolloutOf(client, reference));
        }),
      ),
    );
  listFlags(rollout.command('list').description('Lists rollouts, newest first.'))
    .option('--environment <name>', 'of one environment')
    .action(
      bind<ListFlags & { environment?: string }>((cli, options) =>
        cli.withClient(async (client) => {
          const page = await client.get<Page<Rollout>>('rollouts', { ...listQuery(options), environment: options.environment });
          const nameOf = await versionNames(
            client,
            page.items.map((item) => item.modelVersion),
          );
          cli.output.facts(page, () => {
            cli.output.table(page.items, [
              { title: 'ROLLOUT', of: ({ id }) => id },
              { title: 'ENVIRONMENT', of: ({ environment }) => environment },
              { title: 'MODEL VERSION', of: (item) => nameOf(item.modelVersion) },
              { title: 'STRATEGY', of: ({ plan }) => plan.strategy },
              { title: 'STATE', of: ({ state }) => state },
              { title: 'WEIGHT', of: ({ weight }) => percent(weight), align: 'right' },
              { title: 'BY', of: ({ startedBy }) => startedBy.name },
              { title: 'SINCE', of: ({ startedAt }) => when(startedAt) },
              { title: 'WHY', of: ({ history, reason }) => history.at(-1)?.why ?? reason },
            ]);
            pageNote(cli, page);
          });
        }),
      ),
    );
  for (const [verb, words] of [
    ['pause', 'Stops a rollout where it is: the version keeps its share of the traffic.'],
    ['resume', 'Lets a paused rollout go on: its step begins again, with nothing observed.'],
    ['promote', 'Gives the version all of the traffic now, whatever its checks say.'],
    ['rollback', 'Gives all of the traffic back to the version that was live before. It is loaded still and answers at once.'],
  ] as const) {
    rollout
      .command(verb)
      .description(words)
      .argument('<rollout>', 'its id, or the environment where it is under way')
      .requiredOption('--reason <text>', 'why, for the record')
      .action(
        bind<{ reason: string }>((cli, { reason }, reference) =>
          cli.withClient(async (client) => {
            const { id } = await rolloutOf(client, reference);
            await show(cli, client, await client.post<Rollout>(`rollouts/${encodeURIComponent(id)}/${verb}`, { reason }));
          }),
        ),
      );
  }
}

/** What is asked for otherwise than gyre.yaml says; undefined: nothing. */
function rollOf({ strategy, steps, for: lasting, sample }: StartFlags): RollSpec | undefined {
  if (strategy === undefined && steps === undefined && lasting === undefined && sample === undefined) return undefined;
  if (strategy !== undefined && strategy !== 'canary' && strategy !== 'shadow')
    throw new GyreError('INVALID_ARGUMENT', `"${strategy}" is no strategy: canary or shadow; gyre release roll switches at once`);
  if (strategy === 'shadow') {
    if (steps !== undefined) throw new GyreError('INVALID_ARGUMENT', 'a shadow has no share of the traffic: --steps are those of a canary');
    return { strategy, ...(lasting === undefined ? {} : { for: lasting }), ...(sample === undefined ? {} : { sample }) };
  }
  if (steps === undefined) throw new GyreError('INVALID_ARGUMENT', 'a canary needs its --steps, such as 5%:10m,25%:30m');
  return {
    strategy: 'canary',
    steps: steps.split(',').map((step) => {
      const [weight, time] = step.trim().split(':');
      return { weight, ...(time === undefined ? {} : { for: time }) };
    }),
  };
}

/** The rollout with this id; of an environment the newest. */
async function rolloutOf(client: Pick<Client, 'get'>, reference: string): Promise<Rollout> {
  const { items } = await client.get<Page<Rollout>>('rollouts', { environment: reference, limit: 1 });
  return items.at(0) ?? client.get<Rollout>(`rollouts/${encodeURIComponent(reference)}`);
}

/** Shows a rollout until it has ended. @param reference as `rolloutOf` takes it @returns the exit code: 3 when it was taken back or could not begin */
export async function followRollout(cli: Cli, client: Client, reference: string): Promise<number> {
  let found = await rolloutOf(client, reference);
  let said = '';
  while (found.state === 'running' || found.state === 'paused') {
    const line = progressOf(found);
    if (line !== said && !cli.output.json) cli.output.line(line);
    said = line;
    await sleep(lookEveryMs);
    found = await rolloutOf(client, found.id);
  }
  return showEnded(cli, client, found);
}

async function showEnded(cli: Cli, client: Client, found: Rollout): Promise<number> {
  await show(cli, client, found);
  return found.state === 'rolled_back' || found.state === 'aborted' ? exitCodes.refused : exitCodes.ok;
}

async function show(cli: Cli, client: Pick<Client, 'get'>, rollout: Rollout): Promise<void> {
  const nameOf = await versionNames(client, [rollout.modelVersion, rollout.stable]);
  cli.output.facts(rollout, () => {
    const { id, environment, checks, history, modelVersion: candidate, stable } = rollout;
    cli.output.line(`rollout ${id}: ${nameOf(candidate)} to ${environment}, beside ${nameOf(stable)}`);
    cli.output.line(progressOf(rollout));
    for (const { state, message } of checks)
      cli.output.line(`  ${cli.output.style(state === 'passed' ? 'green' : state === 'failed' ? 'red' : 'yellow', state)} ${message}`);
    for (const { at, what, weight, by, why, tookMs } of history) {
      const took = tookMs === undefined ? '' : `, ${tookMs} ms`;
      cli.output.line(`  ${when(at)} ${what.replace('_', ' ')} ${percent(weight)} (${by.name}${took}): ${why}`);
    }
  });
}

function progressOf({ state, step, plan, weight, observed }: Rollout): string {
  const share = plan.strategy === 'shadow' && weight === 0 ? 'as a shadow' : `with ${percent(weight)} of the traffic`;
  const where = state === 'running' || state === 'paused' ? `, step ${step + 1} of ${plan.steps.length}, ${share}` : '';
  const { requests, errors } = observed.candidate;
  return `${state.replace('_', ' ')}${where}: ${requests} requests observed, ${errors} failed`;
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(4))} %`;
}
