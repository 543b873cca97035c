import { setTimeout as sleep } from 'node:timers/promises';
import type { BatchPrediction, BatchRequestBody } from '#contract';
import { GyreError, errorCodes } from '#core';
import { listFlags, listQuery, pageNote } from '../lists.ts';
import type { ListFlags, Page } from '../lists.ts';
import type { Cli } from '../cli.ts';
import type { Client } from '../client.ts';
import { short, when } from '../output.ts';
import { examples } from '../verb.ts';
import type { Register } from '../verb.ts';
import { countOf } from '../work-progress.ts';
import { existingOf, given, progressOf, progressText } from './predict-table.ts';
import type { PredictTableFlags } from './predict-table.ts';

const [firstPollMs, pollMs] = [20, 500];

/** Has the platform predict a table by a registered model, and follows it. Ctrl-C stops it. */
export async function predictRegistered(
  cli: Cli,
  flags: PredictTableFlags & { readonly input: string; readonly model: string },
): Promise<void> {
  const { features, columns, partitionBy, query, fromTable, toTable, ids, prefix, maxFailed, delimiter, dataset, output } = flags;
  const unfit = (['work', 'workers', 'restart', 'partRows'] as const).find((name) => flags[name] !== undefined);
  if (unfit !== undefined)
    throw new GyreError(
      'INVALID_ARGUMENT',
      `--${unfit.replace('partRows', 'part-rows')} is of models on this disk: the platform itself says how it works on what it records`,
    );
  const body: BatchRequestBody = {
    model: flags.model,
    input: flags.input,
    ...given({ query, fromTable, toTable, dataset, output, ids, prefix, maxFailed, delimiter }),
    ...given({ columns: listOf(columns), features: listOf(features), partitionBy: listOf(partitionBy) }),
    ...(flags.replace === true || flags.append === true ? { existing: existingOf(flags) } : {}),
  };
  return cli.withClient(async (client) => {
    const started = await client.post<BatchPrediction>('batch-predictions', body);
    const ended = await follow(cli, client, started);
    cli.output.facts(ended, () => show(cli, ended));
  });
}

const listOf = (names: readonly string[] | undefined): string[] | undefined => (names === undefined ? undefined : [...names]);

async function follow(cli: Cli, client: Client, started: BatchPrediction): Promise<BatchPrediction> {
  const { host, output } = cli;
  const path = `batch-predictions/${encodeURIComponent(started.id)}`;
  const tell = progressOf(cli);
  let prediction = started;
  let wait = firstPollMs;
  while (prediction.state === 'queued' || prediction.state === 'running') {
    await sleep(wait, undefined, { signal: host.signal }).catch(() => undefined);
    if (host.signal.aborted) {
      const { openClient } = await import('../client.ts');
      await openClient({ ...client.options, signal: AbortSignal.timeout(30_000) }).remove(path);
      throw new GyreError('CANCELLED', `stopped: batch prediction ${started.id} published nothing`);
    }
    wait = Math.min(pollMs, wait * 2);
    prediction = await client.get<BatchPrediction>(path);
    if (prediction.progress !== undefined) tell(prediction.progress);
  }
  output.progress('');
  if (prediction.state === 'finished') return prediction;
  throw new GyreError(errorCodes.find((code) => code === prediction.code) ?? 'INTERNAL', prediction.error ?? `it was ${prediction.state}`, {
    batchPrediction: started.id,
  });
}

function show(
  cli: Cli,
  {
    id,
    model,
    input,
    dataset,
    output,
    rows = 0,
    predicted = 0,
    failed = 0,
    failures = [],
    state,
    progress,
    error,
    startedAt,
    finishedAt,
  }: BatchPrediction,
): void {
  cli.output.pairs([
    ['batch prediction', id],
    ['state', progress === undefined ? state : progressText(progress)],
    [
      'rows',
      rows === 0 && state !== 'finished' ? undefined : `${countOf(rows)} read: ${countOf(predicted)} predicted, ${countOf(failed)} failed`,
    ],
    ['model', `${model.name}/${model.version}, package ${short(model.package)}`],
    ['input', input.version === undefined ? input.address : `${input.address}, version ${short(input.version)}`],
    ['dataset', dataset.version === undefined ? dataset.name : `${dataset.name}, version ${short(dataset.version)}`],
    ['output', output],
    [
      'took',
      startedAt === undefined || finishedAt === undefined
        ? undefined
        : `${((Date.parse(finishedAt) - Date.parse(startedAt)) / 1000).toFixed(1)} s`,
    ],
    ['error', error],
  ]);
  for (const failure of failures) cli.output.line(`  ${countOf(failure.rows)}  ${failure.reason}`);
}

export const registerBatchPredictions: Register = (program, bind) => {
  const batch = program
    .command('batch')
    .summary('predictions of whole tables: list, show, stop')
    .description('Predictions of whole tables that the platform made or makes. `gyre predict --input …` begins one.');
  listFlags(batch.command('ls').description('Lists batch predictions, newest first.'))
    .option('--model <name>', 'of one registered model')
    .addHelpText('after', examples('gyre batch ls', 'gyre batch ls --model churn --json'))
    .action(
      bind<ListFlags & { model?: string }>((cli, options) =>
        cli.withClient(async (client) => {
          const page = await client.get<Page<BatchPrediction>>('batch-predictions', { ...listQuery(options), model: options.model });
          cli.output.facts(page, () => {
            cli.output.table(page.items, [
              { title: 'ID', of: ({ id }) => id },
              { title: 'WHEN', of: ({ queuedAt }) => when(queuedAt) },
              { title: 'STATE', of: ({ state, progress }) => (progress === undefined ? state : progressText(progress)) },
              { title: 'MODEL', of: ({ model }) => `${model.name}/${model.version}` },
              { title: 'ROWS', of: ({ rows }) => rows, align: 'right' },
              { title: 'FAILED', of: ({ failed }) => failed, align: 'right' },
              { title: 'INPUT', of: ({ input }) => input.address },
              {
                title: 'DATASET',
                of: ({ dataset }) => (dataset.version === undefined ? dataset.name : `${dataset.name} ${short(dataset.version)}`),
              },
              { title: 'WHAT WENT WRONG', of: ({ error }) => error ?? '' },
            ]);
            pageNote(cli, page);
          });
        }),
      ),
    );
  batch
    .command('show')
    .description('Shows a batch prediction: how far it is, or what came of it.')
    .argument('<id>', 'its id')
    .action(
      bind<object>((cli, _options, id) =>
        cli.withClient(async (client) => {
          const found = await client.get<BatchPrediction>(`batch-predictions/${encodeURIComponent(id)}`);
          cli.output.facts(found, () => show(cli, found));
        }),
      ),
    );
  batch
    .command('stop')
    .description('Stops a batch prediction: nothing of it is published.')
    .argument('<id>', 'its id')
    .action(
      bind<object>((cli, _options, id) =>
        cli.withClient(async (client) => {
          const stopped = await client.remove<BatchPrediction>(`batch-predictions/${encodeURIComponent(id)}`);
          cli.output.facts(stopped, () => show(cli, stopped));
        }),
      ),
    );
};
