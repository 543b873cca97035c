import type { Db, RowsInto, Tx } from '#store';
import type { MetricNames } from '../metric-names-store.ts';
import { publicRunId } from '../tracking/words.ts';
import type { TrainingTables } from '../tables.ts';
import type { ModelPoint } from './port.ts';

/** A point of a model; the value may be NaN or infinite. */
export interface NewModelPoint {
  /** The positions of the model and of the run that measured it. */
  readonly model: number;
  readonly run: number;
  readonly key: string;
  readonly value: number;
  readonly step: number;
  /** UTC milliseconds. */
  readonly timestamp: number;
  readonly dataset?: { readonly name: string; readonly digest?: string };
}

const intoMetrics: RowsInto = {
  table: 'logged_model_metrics',
  columns: [
    { name: 'model', type: 'integer' },
    { name: 'name', type: 'integer' },
    { name: 'timestamp', type: 'integer' },
    { name: 'step', type: 'integer' },
    { name: 'run', type: 'integer' },
    { name: 'dataset_name', type: 'text' },
    { name: 'dataset_digest', type: 'text' },
    { name: 'value', type: 'real' },
    { name: 'is_nan', type: 'boolean' },
  ],
  onConflict: `on conflict (model, name, timestamp, step, run, dataset_name, dataset_digest)
    do update set value = excluded.value, is_nan = excluded.is_nan`,
};

/** Adds points to models; of two for the same run, dataset, step and time the last counts. */
export async function insertModelPoints(tx: Tx, names: MetricNames, points: readonly NewModelPoint[]): Promise<void> {
  if (points.length === 0) return;
  const numbers = await names.number(tx, new Set(points.map(({ key }) => key)));
  const rows = new Map<string, (string | number | boolean)[]>();
  for (const { model, run, key, value, step, timestamp, dataset } of points) {
    const isNan = Number.isNaN(value);
    const place = [model, numbers.get(key) ?? 0, timestamp, step, run, dataset?.name ?? '', dataset?.digest ?? ''];
    rows.set(JSON.stringify(place), [...place, isNan ? 0 : value, isNan]);
  }
  await tx.insertRows(intoMetrics, [...rows.values()]);
}

/** The points of models, by the models' positions, in the order of name, time and step. */
export async function pointsOfModels(db: Db, models: readonly number[]): Promise<ReadonlyMap<number, readonly ModelPoint[]>> {
  const rows = await db
    .tables<TrainingTables>()
    .selectFrom('logged_model_metrics as m')
    .innerJoin('metric_names as n', 'n.id', 'm.name')
    .innerJoin('runs as r', 'r.position', 'm.run')
    .select([
      'm.model',
      'n.name as key',
      'm.value',
      'm.is_nan',
      'm.step',
      'm.timestamp',
      'r.id as run',
      'm.dataset_name',
      'm.dataset_digest',
    ])
    .where('m.model', 'in', models)
    .orderBy('m.model')
    .orderBy('n.name')
    .orderBy('m.timestamp')
    .orderBy('m.step')
    .orderBy('m.run')
    .execute();
  const found = new Map<number, ModelPoint[]>();
  for (const { model, is_nan: isNan, value, run, dataset_name: name, dataset_digest: digest, ...point } of rows) {
    const read: ModelPoint = {
      ...point,
      value: isNan ? Number.NaN : value,
      run: publicRunId(run),
      ...(name === '' && digest === '' ? {} : { dataset: { name, ...(digest === '' ? {} : { digest }) } }),
    };
    const points = found.get(model);
    if (points === undefined) found.set(model, [read]);
    else points.push(read);
  }
  return found;
}
