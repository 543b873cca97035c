import type { CellValue } from '#contract';
import { canonicalJson } from '#core';
import { jsonValue, portions } from '#store';
import type { Db, Tx } from '#store';
import type { LabelRow, PredictionRow, Tables } from './tables.ts';
import { markWindows } from './windows-store.ts';
import type { Mark } from './windows-store.ts';

export interface NewSegment {
  readonly segment: string;
  readonly environment: string;
  readonly rows: readonly PredictionRow[];
  readonly ingestedAt: number;
  readonly windowMs: number;
}

export interface EndpointCounts {
  readonly endpoint: string;
  /** Predictions that are new. */
  readonly rows: number;
  /** Labels that had waited for them. */
  readonly labels: number;
}

const idsPerQuery = 2000;
const rowsPerInsert = 500;
/** Predictions and labels come in one after the other, so that two that belong together never miss each other. */
const joining = 'monitoring.join';

/** Writes a segment's predictions. @returns undefined when the segment was taken in before */
export async function insertSegment(tx: Tx, args: NewSegment): Promise<readonly EndpointCounts[] | undefined> {
  const { segment, environment, rows, ingestedAt, windowMs } = args;
  await tx.lock(joining);
  const claimed = await tx
    .tables<Tables>()
    .insertInto('monitor_segments')
    .values({ id: segment, environment, rows: rows.length, ingested_at: ingestedAt })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .executeTakeFirstOrThrow();
  if (claimed.numInsertedOrUpdatedRows === 0n) return undefined;
  const unique = new Map(rows.map((row) => [row.id, row]));
  for (const id of await knownIds(tx, [...unique.keys()])) unique.delete(id);
  const fresh = [...unique.values()];
  for (const portion of portions(fresh, rowsPerInsert)) {
    await tx
      .tables<Tables>()
      .insertInto('predictions')
      .values([...portion])
      .execute();
  }
  const waiting = await matchWaiting(tx, [...unique.keys()]);
  await markWindows(tx, fresh.map(markOf), windowMs);
  return [...Map.groupBy(fresh, ({ endpoint }) => endpoint)].map(([endpoint, group]) => ({
    endpoint,
    rows: group.length,
    labels: group.filter(({ id }) => waiting.has(id)).length,
  }));
}

const markOf = ({ environment, endpoint, event_time }: Pick<PredictionRow, 'environment' | 'endpoint' | 'event_time'>): Mark => ({
  environment,
  endpoint,
  eventTime: event_time,
});

async function knownIds(tx: Tx, ids: readonly string[]): Promise<readonly string[]> {
  const known: string[] = [];
  for (const portion of portions(ids, idsPerQuery)) {
    const found = await tx
      .tables<Tables>()
      .selectFrom('predictions')
      .select('id')
      .where('id', 'in', [...portion])
      .execute();
    for (const { id } of found) known.push(id);
  }
  return known;
}

/** Labels that came before their predictions are joined to them now. */
async function matchWaiting(tx: Tx, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const matched = new Set<string>();
  for (const portion of portions(ids, idsPerQuery)) {
    const found = await tx
      .tables<Tables>()
      .updateTable('prediction_labels')
      .set({ matched: true })
      .where('prediction', 'in', [...portion])
      .returning('prediction')
      .execute();
    for (const { prediction } of found) matched.add(prediction);
  }
  return matched;
}

export interface NewLabel {
  readonly prediction: string;
  readonly value: CellValue;
  readonly observedAt: number | null;
}

export interface JoinArgs {
  readonly labels: readonly NewLabel[];
  readonly by: string;
  readonly receivedAt: number;
  readonly windowMs: number;
}

export interface JoinCounts {
  readonly joined: number;
  readonly unchanged: number;
  readonly unmatched: number;
  readonly endpoints: readonly { readonly environment: string; readonly endpoint: string; readonly rows: number }[];
}

/** Writes labels; the last one of a prediction counts. */
export async function upsertLabels(tx: Tx, { labels, by, receivedAt, windowMs }: JoinArgs): Promise<JoinCounts> {
  await tx.lock(joining);
  const unique = [...new Map(labels.map((label) => [label.prediction, label])).values()];
  const joined: Pick<PredictionRow, 'environment' | 'endpoint' | 'event_time'>[] = [];
  let unchanged = 0;
  let unmatched = 0;
  for (const portion of portions(unique, rowsPerInsert)) {
    const ids = portion.map(({ prediction }) => prediction);
    const predictions = await tx
      .tables<Tables>()
      .selectFrom('predictions')
      .select(['id', 'environment', 'endpoint', 'event_time'])
      .where('id', 'in', ids)
      .execute();
    const known = await tx
      .tables<Tables>()
      .selectFrom('prediction_labels')
      .select(['prediction', 'value', 'revision'])
      .where('prediction', 'in', ids)
      .execute();
    const predictionOf = new Map(predictions.map((row) => [row.id, row]));
    const labelOf = new Map(known.map((row) => [row.prediction, row]));
    const rows: LabelRow[] = [];
    for (const { prediction, value, observedAt } of portion) {
      const before = labelOf.get(prediction);
      const of = predictionOf.get(prediction);
      const isSame = before !== undefined && canonicalJson(before.value) === canonicalJson(value);
      if (of === undefined) unmatched++;
      else if (isSame) unchanged++;
      else joined.push(of);
      if (isSame) continue;
      rows.push({
        prediction,
        value: jsonValue(value),
        observed_at: observedAt,
        received_at: receivedAt,
        received_by: by,
        revision: (before?.revision ?? 0) + 1,
        matched: of !== undefined,
      });
    }
    if (rows.length > 0) await writeLabels(tx, rows);
  }
  await markWindows(tx, joined.map(markOf), windowMs);
  const groups = Map.groupBy(joined, ({ environment, endpoint }) => JSON.stringify([environment, endpoint]));
  const endpoints = [...groups.values()].map((group) => ({
    environment: group[0].environment,
    endpoint: group[0].endpoint,
    rows: group.length,
  }));
  return { joined: joined.length, unchanged, unmatched, endpoints };
}

async function writeLabels(tx: Tx, rows: LabelRow[]): Promise<void> {
  await tx
    .tables<Tables>()
    .insertInto('prediction_labels')
    .values(rows)
    .onConflict((conflict) =>
      conflict.column('prediction').doUpdateSet((row) => ({
        value: row.ref('excluded.value'),
        observed_at: row.ref('excluded.observed_at'),
        received_at: row.ref('excluded.received_at'),
        received_by: row.ref('excluded.received_by'),
        revision: row.ref('excluded.revision'),
        matched: row.ref('excluded.matched'),
      })),
    )
    .execute();
}

/** The model versions of these predictions, by prediction. */
export async function selectVersionsOf(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, string | null>> {
  const versions = new Map<string, string | null>();
  for (const portion of portions(ids, idsPerQuery)) {
    const found = await db
      .tables<Tables>()
      .selectFrom('predictions')
      .select(['id', 'model_version'])
      .where('id', 'in', [...portion])
      .execute();
    for (const { id, model_version } of found) versions.set(id, model_version);
  }
  return versions;
}
