import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { GyreError, hasCode, noFaults } from '#core';
import { standsAsRead } from '#data';
import { openSessionPool } from '#onnx';
import { rawParquet } from '#tables';
import { usualWork } from './addresses.ts';
import { flush, keepRecord, readRecord, settle } from './durable.ts';
import { keptPlan, nameOf, newPlan, partRecords } from './kept-plan.ts';
import { filesOf } from './outputs/file-output.ts';
import { openOutput } from './outputs/open-output.ts';
import type { Output } from './outputs/output.ts';
import { partWork } from './part-work.ts';
import { partsOf, requireFewFailed } from './plan.ts';
import type { KeptPlan, PartRecord } from './plan.ts';
import { usualMemoryMib } from './port.ts';
import type { BatchFailure, BatchRequest, BatchResult, PredictDeps } from './port.ts';
import { predictPart } from './predict-part.ts';
import type { PartWork } from './predict-part.ts';
import { takeWorkFolder } from './work-folder.ts';
import type { WorkFolder } from './work-folder.ts';

/** The whole output goes through the engine once more. */
const publishingMib = 512;
/** Reasons that a result names, the commonest. */
const reasonsKept = 10;

/**
 * Predicts all rows of a table and publishes them, each with its prediction or the reason why it has none. The output appears at once, when it is
 * whole; a process that is killed at any moment is gone on with by the same request, to the same bytes.
 *
 * First a plan is written (what the input, the model, the choices and the output are, by digest), then parts of the rows, each flushed before it
 * is noted, then the output is put together and given its name.
 * @throws GyreError ABORTED when the output is being written by another process, ALREADY_EXISTS when it is there and may not be replaced,
 * FAILED_PRECONDITION when more rows failed than may, CANCELLED, and what the input and the output are refused for
 */
export async function predictBatch(request: BatchRequest, deps: PredictDeps): Promise<BatchResult> {
  const outputs = request.outputs.map(({ target, existing }) => openOutput(target, existing, deps));
  // what is refused leaves no work folder behind, where there was none
  const isFresh = (await stat(request.work).catch(() => undefined)) === undefined;
  if (isFresh) for (const output of outputs) await output.prepare();
  await using _held = await holdOutputs(request, outputs);
  await using folder = await takeWorkFolder(request.work, outputs.map(({ address }) => address).join(' and '));
  try {
    return await predictIn(folder, request, outputs, deps, isFresh);
  } catch (error) {
    if ((await readRecord(join(folder.path, 'plan.json'))) === undefined) await folder.remove();
    throw error;
  }
}

/** Outputs on this machine are held by the folder beside them, wherever the work lies. */
async function holdOutputs({ outputs, work }: BatchRequest, opened: readonly Output[]): Promise<AsyncDisposable> {
  await using held = new AsyncDisposableStack();
  for (const [at, { target }] of outputs.entries()) {
    if (target.kind === 'objects' || target.kind === 'postgres') continue;
    const place = usualWork(target, work);
    if (place === work) continue;
    const folder = await takeWorkFolder(place, opened[at].address);
    held.defer(async () => {
      // another run's unfinished work stays
      const isUsed = (await readRecord(join(place, 'plan.json'))) !== undefined;
      await (isUsed ? folder[Symbol.asyncDispose]() : folder.remove());
    });
  }
  return held.move();
}

async function predictIn(
  folder: WorkFolder,
  request: BatchRequest,
  outputs: readonly Output[],
  deps: PredictDeps,
  isPrepared: boolean,
): Promise<BatchResult> {
  const { model, workers, signal, faults = noFaults, memoryLimitMib = usualMemoryMib } = request;
  if (request.restart === true) await folder.clear();
  const kept = await keptPlan(request, deps, outputs, folder.path);
  const published = new Set<Output>();
  for (const output of outputs)
    if (kept !== undefined && (await output.isPublished({ plan: kept.digest, run: kept.run, work: folder.path }))) published.add(output);
  if (kept !== undefined && published.size === outputs.length) {
    request.say?.('the output was published before');
    const parts = await partRecords(kept, folder.path);
    const result = resultOf(request, kept, outputs, parts, parts.length);
    if (request.keepWork !== true) await folder.remove();
    return result;
  }
  if (!isPrepared) for (const output of outputs) if (!published.has(output)) await output.prepare();
  await using pool = await openSessionPool(model.graph, { workers });
  const known = kept ?? (await newPlan(request, deps, outputs, folder));
  const source = await rawParquet(known.input.path);
  const work = partWork(request, known, source, outputs, pool);
  const { rows } = known.facts.input;
  const parts = partsOf(rows, known.facts.partRows);
  const records = new Array<PartRecord | undefined>(parts.length);
  for (const part of await partRecords(known, folder.path)) records[part.start / known.facts.partRows] = part;
  const resumed = records.filter((record) => record !== undefined).length;
  if (resumed > 0) request.say?.(`goes on with what was begun: ${resumed} of ${parts.length} parts are done`);
  let [done, failed] = [0, 0];
  for (const record of records) if (record !== undefined) [done, failed] = [done + record.end - record.start, failed + record.failed];
  const tell = (phase: 'predicting' | 'writing', rowsDone: number): void => request.progress?.({ phase, rows: rowsDone, of: rows, failed });
  tell('predicting', done);
  const waiting = parts.filter(({ at }) => records[at] === undefined);
  const failure = new AbortController();
  const going = signal === undefined ? failure.signal : AbortSignal.any([signal, failure.signal]);
  const counting: PartWork = {
    ...work,
    signal: going,
    done: (count, bad) => {
      [done, failed] = [done + count, failed + bad];
      tell('predicting', done);
    },
  };
  const lane = async (): Promise<void> => {
    for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
      requireGoing(going);
      const { at, start, end } = part;
      const fresh = join(folder.path, `${nameOf(at)}.new`);
      await rm(fresh, { recursive: true, force: true });
      await mkdir(fresh);
      faults.at('file.write');
      const outcome = await predictPart(counting, start, end, fresh);
      await flushTree(fresh, work.layouts);
      await rm(join(folder.path, nameOf(at)), { recursive: true, force: true });
      await settle(fresh, join(folder.path, nameOf(at)), faults);
      const record = {
        start,
        end,
        predicted: outcome.predicted,
        failed: outcome.failed,
        failures: outcome.failures.map(([why, count]): [string, number] => [why, count]),
      };
      await keepRecord(join(folder.path, `${nameOf(at)}.json`), record, faults);
      records[at] = record;
    }
  };
  const ended = await Promise.allSettled(
    Array.from({ length: Math.max(1, Math.min(workers, waiting.length)) }, () =>
      lane().catch((error: unknown) => {
        failure.abort();
        throw error;
      }),
    ),
  );
  const wrong = ended.flatMap((one) => (one.status === 'rejected' && one.reason instanceof Error ? [one.reason] : []));
  // when one lane fails, the others are stopped: it is the failure that counts
  const cause = wrong.find((error) => !hasCode(error, 'CANCELLED')) ?? wrong.at(0);
  if (cause !== undefined) throw cause;
  const finished = records.filter((record) => record !== undefined);
  const result = resultOf(request, known, outputs, finished, resumed);
  if (finished.length !== parts.length || result.rows !== rows || result.predicted + result.failed !== rows)
    throw new GyreError('INTERNAL', `${result.predicted} rows predicted and ${result.failed} failed are not the ${rows} that were read`);
  requireFewFailed(result, request.maxFailed);
  if (
    request.input.source !== undefined &&
    known.input.path === pathOf(request.input.source) &&
    !(await standsAsRead(deps, request.input.source, known.input, folder.path))
  )
    throw new GyreError(
      'ABORTED',
      `${known.input.address} changed while it was read, so that nothing is published: the same command begins anew`,
    );
  tell('writing', 0);
  requireGoing(going);
  for (const output of outputs)
    if (!published.has(output))
      await output.publish({
        plan: known.digest,
        run: known.run,
        rows,
        parts: parts.map(({ at }) => join(folder.path, nameOf(at))),
        work: folder.path,
        memoryLimitMib: Math.max(memoryLimitMib, publishingMib),
        faults,
        ...(signal === undefined ? {} : { signal }),
        done: (count) => tell('writing', count),
      });
  if (request.keepWork !== true) await folder.remove();
  return result;
}

const pathOf = (source: NonNullable<BatchRequest['input']['source']>): string | undefined => ('path' in source ? source.path : undefined);

function requireGoing(signal: AbortSignal): void {
  if (signal.aborted) throw new GyreError('CANCELLED', 'stopped; finished parts are kept, and the same command goes on');
}

/** Flushes what a part wrote; its folder is flushed by whoever names it. */
async function flushTree(folder: string, { isFile, partitionBy }: PartWork['layouts']): Promise<void> {
  if (isFile) await flush(join(folder, 'rows.parquet'));
  if (partitionBy !== undefined) for (const { from } of await filesOf(folder, 0, true)) await flush(from);
}

function resultOf(
  { model }: BatchRequest,
  plan: KeptPlan,
  outputs: readonly Output[],
  parts: readonly PartRecord[],
  resumedParts: number,
): BatchResult {
  const [predicted, failed] = [parts.reduce((sum, part) => sum + part.predicted, 0), parts.reduce((sum, part) => sum + part.failed, 0)];
  const reasons = new Map<string, number>();
  for (const part of parts) for (const [reason, rows] of part.failures) reasons.set(reason, (reasons.get(reason) ?? 0) + rows);
  const failures: BatchFailure[] = [...reasons]
    .map(([reason, rows]) => ({ reason, rows }))
    .sort((left, right) => right.rows - left.rows || (left.reason < right.reason ? -1 : 1))
    .slice(0, reasonsKept);
  const { name, version, package: digest } = model;
  return {
    plan: plan.digest,
    rows: predicted + failed,
    predicted,
    failed,
    failures,
    input: { address: plan.input.address, sha256: plan.facts.input.sha256 },
    model: { name, ...(version === undefined ? {} : { version }), package: digest },
    outputs: outputs.map(({ address }) => address),
    resumedParts,
    parts: partsOf(plan.facts.input.rows, plan.facts.partRows).length,
  };
}
