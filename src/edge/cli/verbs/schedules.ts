import type { PipelineRun, Schedule } from '#contract';
import type { Cli } from '../cli.ts';
import { exitCodes } from '../exit-codes.ts';
import { followRun } from '../follow-run.ts';
import type { Page } from '../lists.ts';
import { when } from '../output.ts';
import type { Register } from '../verb.ts';
import { examples } from '../verb.ts';

export const registerSchedules: Register = (program, bind) => {
  const schedule = program
    .command('schedule')
    .summary('ingestion by the clock: list, pause, resume, run')
    .description('Datasets that "schedule" in gyre.yaml has ingested by the clock, while "gyre up" runs.')
    .addHelpText('after', examples('gyre schedule ls', 'gyre schedule pause customers', 'gyre schedule run customers'));
  schedule
    .command('ls')
    .description('Lists schedules: when each is due next, and what came of it last.')
    .action(
      bind<object>((cli) =>
        cli.withClient(async (client) => {
          const { items } = await client.get<Page<Schedule>>('schedules');
          cli.output.facts({ items }, () =>
            cli.output.table(
              items,
              [
                { title: 'DATASET', of: ({ name }) => name },
                { title: 'SCHEDULE', of: ({ cron, timezone }) => `${cron} ${timezone}` },
                { title: 'RUNS', of: ({ run }) => run },
                { title: 'NEXT', of: ({ paused, nextDue }) => (paused ? 'paused' : nextDue === undefined ? 'never' : when(nextDue)) },
                { title: 'LAST DUE', of: ({ lastDue }) => (lastDue === undefined ? undefined : when(lastDue)) },
                { title: 'LAST RUN', of: ({ lastRun }) => lastRun },
                { title: 'CAME TO', of: ({ lastState, missed, error }) => error ?? outcome(lastState, missed) },
              ],
              'no dataset has a schedule in gyre.yaml',
            ),
          );
        }),
      ),
    );
  for (const [verb, words] of [
    ['pause', 'Pauses a schedule.'],
    ['resume', 'Lets a paused schedule go on with its next instant.'],
  ] as const) {
    schedule
      .command(verb)
      .description(words)
      .argument('<dataset>', 'its name in gyre.yaml')
      .action(
        bind<object>((cli, _options, name) =>
          cli.withClient(async (client) => {
            const found = await client.post<Schedule>(`schedules/${encodeURIComponent(name)}/${verb}`);
            cli.output.facts(found, () => cli.output.line(stateText(found)));
          }),
        ),
      );
  }
  schedule
    .command('run')
    .description('Runs a schedule now, out of turn, and waits for its end.')
    .argument('<dataset>', 'its name in gyre.yaml')
    .action(
      bind<object>((cli: Cli, _options, name) =>
        cli.withClient(async (client) => {
          const run = await followRun(cli, client, await client.post<PipelineRun>(`schedules/${encodeURIComponent(name)}/run`));
          return run.state === 'succeeded' ? exitCodes.ok : exitCodes.failed;
        }),
      ),
    );
};

function outcome(state: string | undefined, missed: number | undefined): string | undefined {
  if (state === undefined) return undefined;
  return missed === undefined ? state : `${state}, for ${missed} missed as well`;
}

function stateText({ name, paused, nextDue }: Schedule): string {
  if (paused) return `${name} is paused`;
  return nextDue === undefined ? `${name} is never due again` : `${name} is due ${when(nextDue)}`;
}
