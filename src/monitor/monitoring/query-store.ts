import type { CellValue, NamedRow } from '#contract';
import { GyreError } from '#core';
import type { Db } from '#store';
import type { PredictionRow, Tables } from './tables.ts';

/** A prediction with its label, where it has one. */
export interface JoinedRow extends PredictionRow {
  label: CellValue;
  label_revision: number | null;
  observed_at: number | null;
  received_at: number | null;
}

export interface RowFilter {
  readonly environment?: string;
  readonly endpoint?: string;
  readonly modelVersion?: string;
  readonly key?: string;
  /** UTC milliseconds: from, and up to but without. */
  readonly from?: number;
  readonly to?: number;
}

const joined = (db: Db) =>
  db.tables<Tables>().selectFrom('predictions').leftJoin('prediction_labels', 'prediction_labels.prediction', 'predictions.id');

const labelColumns = [
  'prediction_labels.value as label',
  'prediction_labels.revision as label_revision',
  'prediction_labels.observed_at as observed_at',
  'prediction_labels.received_at as received_at',
] as const;

export async function selectPrediction(db: Db, id: string): Promise<JoinedRow | undefined> {
  return joined(db).selectAll('predictions').select(labelColumns).where('predictions.id', '=', id).executeTakeFirst();
}

/** A page of predictions by event time, then id. */
export async function selectPredictions(
  db: Db,
  filter: RowFilter & { readonly first: 'oldest' | 'newest'; readonly limit: number; readonly after?: { at: number; id: string } },
): Promise<readonly JoinedRow[]> {
  const { environment, endpoint, modelVersion, key, from, to, first, limit, after } = filter;
  const direction = first === 'newest' ? 'desc' : 'asc';
  const beyond = first === 'newest' ? '<' : '>';
  let query = joined(db).selectAll('predictions').select(labelColumns);
  if (environment !== undefined) query = query.where('predictions.environment', '=', environment);
  if (endpoint !== undefined) query = query.where('predictions.endpoint', '=', endpoint);
  if (modelVersion !== undefined) query = query.where('predictions.model_version', '=', modelVersion);
  if (key !== undefined) query = query.where('predictions.key', '=', key);
  if (from !== undefined) query = query.where('predictions.event_time', '>=', from);
  if (to !== undefined) query = query.where('predictions.event_time', '<', to);
  if (after !== undefined) {
    query = query.where((row) =>
      row.or([
        row('predictions.event_time', beyond, after.at),
        row.and([row('predictions.event_time', '=', after.at), row('predictions.id', beyond, after.id)]),
      ]),
    );
  }
  return query.orderBy('predictions.event_time', direction).orderBy('predictions.id', direction).limit(limit).execute();
}

/** One row of a window: what judging needs of it. */
export interface WindowInput {
  readonly id: string;
  readonly generation: number;
  readonly modelVersion: string | null;
  readonly predicted: string | null;
  readonly score: number | null;
  readonly latencyMs: number;
  readonly inputs: NamedRow;
  readonly outputs: Record<string, unknown>;
  readonly key: string | null;
  readonly isLabelled: boolean;
  readonly label: CellValue;
}

/** Every prediction of a stretch of event time with its label, in order. */
export async function selectRange(
  db: Db,
  { environment, endpoint, from, to }: { environment: string; endpoint: string; from: number; to: number },
  onlyLabelled = false,
): Promise<readonly WindowInput[]> {
  let query = joined(db)
    .select([
      'predictions.id',
      'predictions.generation',
      'predictions.model_version as modelVersion',
      'predictions.predicted',
      'predictions.score',
      'predictions.latency_ms as latencyMs',
      'predictions.inputs',
      'predictions.outputs',
      'predictions.key',
      ...labelColumns,
    ])
    .where('predictions.environment', '=', environment)
    .where('predictions.endpoint', '=', endpoint)
    .where('predictions.event_time', '>=', from)
    .where('predictions.event_time', '<', to);
  if (onlyLabelled) query = query.where('prediction_labels.revision', 'is not', null);
  // By the row's own key before its id: ids are chance, and training on the same rows gives the same model only in the same order.
  const rows = await query.orderBy('predictions.event_time').orderBy('predictions.key').orderBy('predictions.id').execute();
  return rows.map((row) => ({ ...row, isLabelled: row.label_revision !== null }));
}

export async function countLabelled(
  db: Db,
  filter: { environment: string; endpoint: string; from: number; to?: number; package?: string },
): Promise<number> {
  let query = db
    .tables<Tables>()
    .selectFrom('predictions')
    .innerJoin('prediction_labels', 'prediction_labels.prediction', 'predictions.id')
    .select((row) => row.fn.countAll<number>().as('count'))
    .where('predictions.environment', '=', filter.environment)
    .where('predictions.endpoint', '=', filter.endpoint)
    .where('predictions.event_time', '>=', filter.from);
  if (filter.to !== undefined) query = query.where('predictions.event_time', '<', filter.to);
  if (filter.package !== undefined) query = query.where('predictions.package', '=', filter.package);
  return Number((await query.executeTakeFirstOrThrow()).count);
}

/** The token of the page that follows a row; read back by `placeOf`. */
export function tokenOf(row: Pick<PredictionRow, 'event_time' | 'id'>): string {
  return `${row.event_time}_${row.id}`;
}

/** @throws GyreError INVALID_ARGUMENT when the token is not one of ours */
export function placeOf(token: string): { at: number; id: string } {
  const match = /^(-?\d{1,16})_(.+)$/.exec(token);
  if (match !== null) return { at: Number(match[1]), id: match[2] };
  throw new GyreError('INVALID_ARGUMENT', `"${token}" is no page token: use the "next" of the page before`);
}
