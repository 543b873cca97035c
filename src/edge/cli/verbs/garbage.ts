import { setTimeout as sleep } from 'node:timers/promises';
import { Option } from 'commander';
import type { GarbageSweep } from '#contract';
import type { CollectedGarbage } from '#workspace';
import type { Cli } from '../cli.ts';
import type { Client } from '../client.ts';
import { exitCodes } from '../exit-codes.ts';
import { short } from '../output.ts';
import type { Register, VerbResult } from '../verb.ts';
import { examples } from '../verb.ts';
import { sayCacheGarbage } from './data/gc.ts';

interface Flags {
  readonly what: string;
  readonly apply?: boolean;
  readonly grace: string;
  readonly olderThan: string;
}

export const registerGarbage: Register = (program, bind) => {
  program
    .command('gc')
    .summary('what nothing refers to: list it, delete it')
    .description(
      'Garbage collection: finds what no record refers to, and with --apply deletes it. What is younger than the grace period stays, because work under way stores its bytes before its records.',
    )
    .addOption(
      new Option(
        '--what <kind>',
        'blobs: stored bytes; cache: objects of the workspace, as "gyre data gc" has it; data: both; runs: deleted runs, logged models and experiments',
      )
        .choices(['blobs', 'cache', 'data', 'runs'])
        .default('blobs'),
    )
    .option('--apply', 'delete; without it nothing is')
    .option('--grace <duration>', 'what is younger stays, such as 12h; at least 1h', '1d')
    .option('--older-than <duration>', 'of runs: how long ago they were deleted', '30d')
    .addHelpText('after', examples('gyre gc', 'gyre gc --what data --grace 7d --apply', 'gyre gc --what runs --older-than 30d'))
    .action(bind<Flags>(collect));
};

const pollMs = 250;

async function collect(cli: Cli, { what, apply = false, grace, olderThan }: Flags): VerbResult {
  const { parseDuration } = await import('#project');
  const graceMs = parseDuration(what === 'runs' ? olderThan : grace);
  const sweep =
    what === 'cache'
      ? undefined
      : await cli.withClient(async (client) =>
          follow(
            cli,
            client,
            await client.post<GarbageSweep>('garbage-sweeps', { what: what === 'runs' ? what : 'blobs', apply, graceMs }),
          ),
        );
  // A sweep that did not end well says something about the records, which the cache is judged by as well.
  const cache =
    what === 'blobs' || what === 'runs' || (sweep !== undefined && sweep.state !== 'finished')
      ? undefined
      : await ofCache(cli, what, apply, graceMs);
  cli.output.facts(cache === undefined ? sweep : sweep === undefined ? cache : { blobs: sweep, cache }, () => {
    if (sweep !== undefined) report(cli, sweep);
    if (sweep !== undefined && cache !== undefined) cli.output.line();
    if (cache !== undefined) sayCacheGarbage(cli, cache);
  });
  if (sweep?.state === 'cancelled') return exitCodes.interrupted;
  return sweep === undefined || sweep.state === 'finished' ? exitCodes.ok : exitCodes.failed;
}

/** Undefined where data are asked for and the project has no workspace. */
async function ofCache(cli: Cli, what: string, apply: boolean, graceMs: number): Promise<CollectedGarbage | undefined> {
  const { inWorkspace } = await import('./data/in-workspace.ts');
  return inWorkspace(cli, async ({ workspace, options }) =>
    what === 'data' && workspace.root === undefined ? undefined : workspace.garbage({ ...options, apply, graceMs }),
  );
}

/** Ctrl-C cancels the sweep. */
async function follow(cli: Cli, client: Client, started: GarbageSweep): Promise<GarbageSweep> {
  const { host, output } = cli;
  let sweep = started;
  let told = performance.now();
  while (sweep.state === 'running') {
    await sleep(pollMs, undefined, { signal: host.signal }).catch(() => undefined);
    if (host.signal.aborted) {
      const { openClient } = await import('../client.ts');
      return openClient({ ...client.options, signal: AbortSignal.timeout(30_000) }).remove<GarbageSweep>(`garbage-sweeps/${sweep.id}`);
    }
    sweep = await client.get<GarbageSweep>(`garbage-sweeps/${sweep.id}`);
    if (performance.now() - told < 2_000) continue;
    told = performance.now();
    output.note(
      output.style('dim', `${sweep.phase}: ${sweep.looked.count} looked at, ${sweep.garbage.count} found, ${sweep.deleted.count} deleted`),
    );
  }
  return sweep;
}

function report({ output }: Cli, sweep: GarbageSweep): void {
  output.table(
    sweep.items,
    [
      { title: 'WHAT', of: ({ kind }) => kind.replace('_', ' ') },
      sweep.what === 'runs' ? { title: 'ID', of: ({ record }) => record } : { title: 'DIGEST', of: ({ digest = '' }) => short(digest) },
      { title: 'BYTES', of: ({ bytes }) => bytes, align: 'right' },
      { title: 'WHY', of: ({ why }) => why },
    ],
    'nothing to collect',
  );
  if (sweep.garbage.count > sweep.items.length) output.line(output.style('dim', `and ${sweep.garbage.count - sweep.items.length} more`));
  output.line();
  output.pairs([
    ['looked at', amount(sweep.looked)],
    ['referred to', amount(sweep.kept)],
    ['young', amount(sweep.young)],
    ['garbage', amount(sweep.garbage)],
    ['deleted', sweep.apply ? amount(sweep.deleted) : 'nothing: a dry run; --apply deletes'],
    ['outcome', sweep.error === undefined ? sweep.state : `${sweep.state}: ${sweep.error}`],
  ]);
}

function amount({ count, bytes }: GarbageSweep['looked']): string {
  return `${count}, ${bytes} bytes`;
}
