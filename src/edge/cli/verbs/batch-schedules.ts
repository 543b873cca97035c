import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { BatchPrediction, BatchSchedule, BatchScheduleBody, Rhythm } from '#contract';
import { GyreError } from '#core';
import { exitCodes } from '../exit-codes.ts';
import type { Page } from '../lists.ts';
import { when } from '../output.ts';
import { examples } from '../verb.ts';
import type { Bind } from '../verb.ts';
import { followBatch, requestOf, showBatch } from './follow-batch.ts';
import { predictTableOptions } from './predict-table.ts';
import type { PredictTableFlags } from './predict-table.ts';

const rhythms: readonly Rhythm[] = ['hour', 'day', 'weekday', 'week', 'month'];
const weekdays = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];

interface SetFlags extends PredictTableFlags {
  readonly cron?: string;
  readonly every?: Rhythm;
  readonly at?: string;
  readonly on?: number;
  readonly timezone?: string;
}

function rhythm(text: string): Rhythm {
  const found = rhythms.find((each) => each === text);
  if (found === undefined) throw new InvalidArgumentError(`One of ${rhythms.join(', ')} is needed.`);
  return found;
}

function dayOf(text: string): number {
  const day = weekdays.findIndex((each) => text.length >= 3 && each.startsWith(text.toLowerCase()));
  if (day >= 0) return day;
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1 || number > 31)
    throw new InvalidArgumentError('A day of the week (Monday) or of the month (1 to 31) is needed.');
  return number;
}

/** Adds `batch schedule` and what is below it. */
export function registerBatchSchedules(batch: Command, bind: Bind): void {
  const schedule = batch
    .command('schedule')
    .summary('predictions by the clock: set, list, pause, resume, run, remove')
    .description('Tables that are predicted by the clock, while "gyre up" runs.');
  predictTableOptions(
    schedule
      .command('set')
      .description(
        'Sets a schedule, or changes it. {date} and {time} in places and queries stand for the instant of a run in the time zone, {since} and {until} for the time that it covers, in UTC.',
      )
      .argument('<name>', 'what it is called')
      .option('--every <rhythm>', `${rhythms.join(', ')}`, rhythm)
      .option('--at <time>', 'the time of day, such as 06:00')
      .option('--on <day>', 'with --every week its day (Monday), with --every month the day of the month', dayOf)
      .option('--cron <pattern>', 'or a pattern: minute, hour, day of month, month, day of week')
      .option('--timezone <name>', 'such as Europe/Rome (default: UTC)'),
  )
    .addHelpText(
      'after',
      examples(
        'gyre batch schedule set nightly --every day --at 06:00 --timezone Europe/Rome --model churn@champion --input dataset:customers --output scores/{date}.parquet',
        'gyre batch schedule set hourly --cron "0 * * * *" --model environment:production --input postgres://db/shop --query "SELECT * FROM orders WHERE at >= \'{since}\' AND at < \'{until}\'" --output postgres://db/shop --to-table scores --append',
      ),
    )
    .action(
      bind<SetFlags>(async (cli, flags, name) => {
        const body = await scheduleBody(flags);
        return cli.withClient(async (client) => {
          const found = await client.put<BatchSchedule>(pathOf(name), body);
          cli.output.facts(found, () => cli.output.line(stateText(found)));
        });
      }),
    );
  schedule
    .command('ls')
    .description('Lists schedules: when each is due next, and what came of it last.')
    .action(
      bind<object>((cli) =>
        cli.withClient(async (client) => {
          const { cronWords } = await import('#contract');
          const { items } = await client.get<Page<BatchSchedule>>('batch-schedules');
          cli.output.facts({ items }, () =>
            cli.output.table(
              items,
              [
                { title: 'SCHEDULE', of: ({ name }) => name },
                { title: 'WHEN', of: ({ cron, timezone }) => `${cronWords(cron)}, ${timezone}` },
                { title: 'MODEL', of: ({ request }) => request.model },
                { title: 'INPUT', of: ({ request }) => request.input },
                {
                  title: 'OUTPUT',
                  of: ({ request: { output, toTable } }) => (toTable === undefined ? output : `${output ?? ''} ${toTable}`),
                },
                { title: 'SET BY', of: ({ by, from }) => (from === 'project' ? 'gyre.yaml' : by?.name) },
                { title: 'NEXT', of: ({ paused, nextDue }) => (paused ? 'paused' : nextDue === undefined ? 'never' : when(nextDue)) },
                { title: 'LAST DUE', of: ({ lastDue }) => (lastDue === undefined ? undefined : when(lastDue)) },
                { title: 'CAME TO', of: outcomeOf },
              ],
              'no batch prediction goes by the clock',
            ),
          );
        }),
      ),
    );
  for (const [verb, words] of [
    ['pause', 'Pauses a schedule.'],
    ['resume', 'Lets a paused schedule go on with its next instant.'],
  ] as const)
    schedule
      .command(verb)
      .description(words)
      .argument('<name>', 'what it is called')
      .action(
        bind<object>((cli, _options, name) =>
          cli.withClient(async (client) => {
            const found = await client.post<BatchSchedule>(`${pathOf(name)}/${verb}`);
            cli.output.facts(found, () => cli.output.line(stateText(found)));
          }),
        ),
      );
  schedule
    .command('run')
    .description('Runs a schedule now, out of turn, and waits for its end.')
    .argument('<name>', 'what it is called')
    .action(
      bind<object>((cli, _options, name) =>
        cli.withClient(async (client) => {
          const ended = await followBatch(cli, client, await client.post<BatchPrediction>(`${pathOf(name)}/run`));
          cli.output.facts(ended, () => showBatch(cli, ended));
          return ended.state === 'finished' ? exitCodes.ok : exitCodes.failed;
        }),
      ),
    );
  schedule
    .command('rm')
    .description('Removes a schedule. What it predicted stays.')
    .argument('<name>', 'what it is called')
    .action(
      bind<object>((cli, _options, name) =>
        cli.withClient(async (client) => {
          const removed = await client.remove<BatchSchedule>(pathOf(name));
          cli.output.facts(removed, () => cli.output.line(`${removed.name} is predicted by the clock no more`));
        }),
      ),
    );
}

const pathOf = (name: string): string => `batch-schedules/${encodeURIComponent(name)}`;

async function scheduleBody(flags: SetFlags): Promise<BatchScheduleBody> {
  const { cron, every, at = '00:00', on, timezone, input, model } = flags;
  if (input === undefined || model === undefined)
    throw new GyreError('INVALID_ARGUMENT', 'name rows and model: --input dataset:NAME --model environment:production');
  if ((cron === undefined) === (every === undefined))
    throw new GyreError('INVALID_ARGUMENT', 'when? --every day --at 06:00, or --cron "0 6 * * *", one of them');
  const { cronOf } = await import('#contract');
  const pattern = cron ?? (every === undefined ? undefined : cronOf({ every, at, ...(on === undefined ? {} : { day: on }) }));
  if (pattern === undefined)
    throw new GyreError('INVALID_ARGUMENT', `"${at}" is no time of day (such as 06:00), or --on no day of a ${every ?? ''}`);
  return {
    cron: pattern,
    ...(timezone === undefined ? {} : { timezone }),
    request: requestOf({ ...flags, input, model }),
  };
}

function stateText({ name, paused, nextDue }: BatchSchedule): string {
  if (paused) return `${name} is paused`;
  return nextDue === undefined ? `${name} is never due again` : `${name} is due ${when(nextDue)}`;
}

function outcomeOf({ error, lastState, lastError, missed }: BatchSchedule): string | undefined {
  if (error !== undefined) return error;
  if (lastState === undefined) return undefined;
  const more = missed === undefined ? '' : `, for ${missed} missed as well`;
  return `${lastState}${lastError === undefined ? '' : `: ${lastError}`}${more}`;
}
