import { GyreError } from '#core';
import type { Tx } from '#store';
import { insertModelPoints } from '../logged-models/model-metrics-store.ts';
import type { NewModelPoint } from '../logged-models/model-metrics-store.ts';
import { modelPositions } from '../logged-models/models-store.ts';
import { unknownModel } from '../logged-models/words.ts';
import { insertMetrics, latestOfRuns } from '../metrics-store.ts';
import type { NewPoint } from '../metrics-store.ts';
import type { MetricNames } from '../metric-names-store.ts';
import { insertParameters, parametersOf, placesOf, upsertTags } from '../runs-store.ts';
import type { NewKeyed } from '../runs-store.ts';
import { renameRun } from './runs-store.ts';
import type { KeyValue, LoggedPoint } from './port.ts';
import { deletedRun, publicRunId, runNameTag, unknownRun } from './words.ts';

/** What one request logs to one run. */
export interface LogRequest {
  readonly run: string;
  readonly points: readonly LoggedPoint[];
  readonly parameters: readonly KeyValue[];
  readonly tags: readonly KeyValue[];
}

/** Logs requests in their order. @param alone see `insertMetrics` @returns for each why it was refused, undefined where it is logged; a refused one leaves nothing */
export async function logGroup(
  tx: Tx,
  { names, requests, alone = false }: { readonly names: MetricNames; readonly requests: readonly LogRequest[]; readonly alone?: boolean },
): Promise<readonly (GyreError | undefined)[]> {
  const ids = [...new Set(requests.map(({ run }) => run))];
  const [places, latest] = await Promise.all([placesOf(tx, ids), latestOfRuns(tx, names, requests)]);
  const known = await knownParameters(
    tx,
    requests.filter(({ parameters }) => parameters.length > 0).map(({ run }) => places.get(run)?.position ?? 0),
  );
  const models = await modelPositions(tx, namedModels(requests));
  const points: NewPoint[] = [];
  const modelPoints: NewModelPoint[] = [];
  const parameters: NewKeyed[] = [];
  const tags = new Map<string, NewKeyed>();
  const runNames = new Map<number, string>();
  const refusals = requests.map((request) => {
    const place = places.get(request.run);
    if (place === undefined) return unknownRun(request.run);
    if (place.deletedAt !== null) return deletedRun(request.run);
    const run = place.position;
    const changed = request.parameters.find(({ key, value }) => (known.get(keyOf(run, key)) ?? value) !== value);
    if (changed !== undefined) return changedParameter(request.run, changed, known.get(keyOf(run, changed.key)) ?? '');
    const unknown = request.points.find(({ model }) => model !== undefined && !models.has(model))?.model;
    if (unknown !== undefined) return unknownModel(unknown);
    for (const { key, step, timestamp, value, model, dataset } of request.points) {
      points.push({ run, key, step, timestamp, value });
      const measured = model === undefined ? undefined : models.get(model);
      if (measured === undefined) continue;
      modelPoints.push({ run, key, step, timestamp, value, model: measured, ...(dataset === undefined ? {} : { dataset }) });
    }
    for (const { key, value } of request.parameters) {
      if (known.has(keyOf(run, key))) continue;
      known.set(keyOf(run, key), value);
      parameters.push({ run, key, value });
    }
    for (const { key, value } of request.tags) {
      if (key === runNameTag) runNames.set(run, value);
      else tags.set(keyOf(run, key), { run, key, value });
    }
    return undefined;
  });
  await insertMetrics(tx, names, points, { alone, ...(latest === undefined ? {} : { read: latest }) });
  await insertModelPoints(tx, names, modelPoints);
  await insertParameters(tx, parameters);
  await upsertTags(tx, [...tags.values()]);
  for (const [run, name] of runNames) await renameRun(tx, run, name);
  return refusals;
}

function namedModels(requests: readonly LogRequest[]): readonly string[] {
  const found = new Set<string>();
  for (const { points } of requests) for (const { model } of points) if (model !== undefined) found.add(model);
  return [...found];
}

const keyOf = (run: number, key: string): string => `${run} ${key}`;

async function knownParameters(tx: Tx, runs: readonly number[]): Promise<Map<string, string>> {
  if (runs.length === 0) return new Map();
  const distinct = [...new Set(runs)];
  const found = await parametersOf(tx, distinct);
  return new Map(found.flatMap((rows, at) => rows.map(({ key, value }) => [keyOf(distinct[at], key), value])));
}

function changedParameter(run: string, { key, value }: KeyValue, known: string): GyreError {
  return new GyreError(
    'FAILED_PRECONDITION',
    `Changing param values is not allowed. Param with key='${key}' was already logged with value='${known}' for run ID='${publicRunId(run)}'. Attempted logging new value '${value}'.`,
    { run, key },
  );
}
