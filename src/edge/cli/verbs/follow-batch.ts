import { setTimeout as sleep } from 'node:timers/promises';
import type { BatchPrediction, BatchRequestBody } from '#contract';
import { GyreError, errorCodes } from '#core';
import type { Cli } from '../cli.ts';
import type { Client } from '../client.ts';
import { short } from '../output.ts';
import { countOf } from '../work-progress.ts';
import { existingOf, given, progressOf, progressText } from './predict-table.ts';
import type { PredictTableFlags } from './predict-table.ts';

const [firstPollMs, pollMs] = [20, 500];

/** What the flags ask the platform for. @throws GyreError INVALID_ARGUMENT for flags of models on a disk */
export function requestOf(flags: PredictTableFlags & { readonly input: string; readonly model: string }): BatchRequestBody {
  const { features, columns, partitionBy, query, fromTable, toTable, ids, prefix, maxFailed, delimiter, dataset, output } = flags;
  const unfit = (['work', 'workers', 'restart', 'partRows'] as const).find((name) => flags[name] !== undefined);
  if (unfit !== undefined)
    throw new GyreError(
      'INVALID_ARGUMENT',
      `--${unfit.replace('partRows', 'part-rows')} is of models on this disk: the platform itself says how it works on what it records`,
    );
  return {
    model: flags.model,
    input: flags.input,
    ...given({ query, fromTable, toTable, dataset, output, ids, prefix, maxFailed, delimiter }),
    ...given({ columns: listOf(columns), features: listOf(features), partitionBy: listOf(partitionBy) }),
    ...(flags.replace === true || flags.append === true ? { existing: existingOf(flags) } : {}),
  };
}

const listOf = (names: readonly string[] | undefined): string[] | undefined => (names === undefined ? undefined : [...names]);

/** Waits for its end and says how far it is; Ctrl-C stops it. @throws GyreError why it failed */
export async function followBatch(cli: Cli, client: Client, started: BatchPrediction): Promise<BatchPrediction> {
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

export function showBatch(
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
    schedule,
    reason,
  }: BatchPrediction,
): void {
  cli.output.pairs([
    ['batch prediction', id],
    ['state', progress === undefined ? state : progressText(progress)],
    [
      'rows',
      rows === 0 && state !== 'finished' ? undefined : `${countOf(rows)} read: ${countOf(predicted)} predicted, ${countOf(failed)} failed`,
    ],
    ['schedule', schedule?.name],
    ['because', reason],
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
