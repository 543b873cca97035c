import { sql } from 'kysely';
import type { Parameters, Run } from '#contract';
import { isoInstant } from '#core';
import { jsonValue, portions } from '#store';
import type { Cell, Db, Tx } from '#store';
import type { ArtifactPlace } from './artifacts/port.ts';
import type { MetricNames } from './metric-names-store.ts';
import { byKey, lastMetrics } from './metrics-store.ts';
import { keysPerQuery, startOf } from './tables.ts';
import type { KeyedRow, RunRow, TrainingTables, ValueKind } from './tables.ts';

/** Adds a run. @returns its position */
export async function insertRun(tx: Tx, row: RunRow): Promise<number> {
  const { position = 0 } = await newRun(tx, row).returning('position').executeTakeFirstOrThrow();
  return position;
}

/** Adds a run with its tags, and waits for no position. No key may come twice. */
export async function insertTaggedRun(
  tx: Tx,
  row: RunRow,
  tags: readonly { readonly key: string; readonly value: string }[],
): Promise<void> {
  await tx.change(newRun(tx, row).compile());
  for (const some of portions(tags, keysPerQuery)) {
    const values = some.map(({ key, value }) => sql`(${key}, ${value}, ${startOf(value)})`);
    const insert = sql`insert into tags (run, key, value, value_start, kind)
      select r.position, t.column1, t.column2, t.column3, 'string' from runs r cross join (values ${sql.join(values)}) t where r.id = ${row.id}`;
    await tx.change(insert.compile(tx.tables()));
  }
}

function newRun(tx: Tx, row: RunRow) {
  const environment = row.environment ?? jsonValue(null);
  return tx
    .tables<TrainingTables>()
    .insertInto('runs')
    .values({ ...row, environment });
}

/** What logging asks of a run: where it lies, and whether it may be logged to. */
export interface RunPlace {
  readonly id: string;
  readonly position: number;
  /** By number. */
  readonly experiment: number;
  readonly status: Run['status'];
  readonly deletedAt: number | null;
}

export async function placesOf(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, RunPlace>> {
  const rows = await db
    .tables<TrainingTables>()
    .selectFrom('runs')
    .select(['id', 'position', 'experiment', 'status', 'deleted_at'])
    .where('id', 'in', ids)
    .execute();
  return new Map(rows.map(({ position = 0, deleted_at: deletedAt = null, ...row }) => [row.id, { ...row, position, deletedAt }]));
}

export async function placeOf(db: Db, id: string): Promise<RunPlace | undefined> {
  return (await placesOf(db, [id])).get(id);
}

const keyedColumns = [
  { name: 'run', type: 'integer' },
  { name: 'key', type: 'text' },
  { name: 'value', type: 'text' },
  { name: 'value_start', type: 'text' },
  { name: 'kind', type: 'text' },
] as const;

/** A key with a value of a run, given by the run's position. */
export interface NewKeyed {
  readonly run: number;
  readonly key: string;
  readonly value: string;
  readonly kind?: ValueKind;
}

const cells = ({ run, key, value, kind = 'string' }: NewKeyed): readonly Cell[] => [run, key, value, startOf(value), kind];

export function insertParameters(tx: Tx, rows: readonly NewKeyed[]): Promise<void> {
  return tx.insertRows({ table: 'parameters', columns: keyedColumns }, rows.map(cells));
}

/** Sets tags; one that is there gets the new value. No key of a run may come twice. */
export function upsertTags(tx: Tx, rows: readonly NewKeyed[]): Promise<void> {
  const onConflict = 'on conflict (run, key) do update set value = excluded.value, value_start = excluded.value_start';
  return tx.insertRows({ table: 'tags', columns: keyedColumns, onConflict }, rows.map(cells));
}

/** Parameters with their types, as rows of a run. */
export function parameterRows(run: number, parameters: Parameters): NewKeyed[] {
  return Object.entries(parameters).map(([key, value]) => ({ run, key, value: String(value), kind: kindOf(value) }));
}

function kindOf(value: Parameters[string]): ValueKind {
  return typeof value === 'number' ? 'number' : typeof value === 'boolean' ? 'boolean' : 'string';
}

/** The parameters of each of these runs, in the order of keys. */
export function parametersOf(db: Db, runs: readonly number[]): Promise<readonly (readonly KeyedValue[])[]> {
  return keyedRows(db, 'parameters', runs);
}

/** The tags of each of these runs, in the order of keys. */
export function tagsOf(db: Db, runs: readonly number[]): Promise<readonly (readonly KeyedValue[])[]> {
  return keyedRows(db, 'tags', runs);
}

type KeyedValue = Pick<KeyedRow, 'key' | 'value' | 'kind'>;

async function keyedRows(db: Db, table: 'parameters' | 'tags', runs: readonly number[]): Promise<readonly (readonly KeyedValue[])[]> {
  const found = await db.rowsOf(
    { table, select: ['key', 'value', 'kind'], by: [{ name: 'run', type: 'integer' }] },
    runs.map((run) => [run]),
  );
  return found.map((rows) =>
    rows.map(([key, value, kind]) => ({ key: String(key), value: String(value), kind: kindNamed(kind) })).sort(byKey),
  );
}

function kindNamed(kind: unknown): ValueKind {
  return kind === 'number' || kind === 'boolean' ? kind : 'string';
}

/** A parameter's value as it was before it was text. */
export function parameterValue({ value, kind }: Pick<KeyedRow, 'value' | 'kind'>): Parameters[string] {
  return kind === 'number' ? Number(value) : kind === 'boolean' ? value === 'true' : value;
}

/** Ends a run that is still open. @returns whether it was */
export async function closeRun(
  tx: Tx,
  { run, status, at, error }: { readonly run: string; readonly status: Run['status']; readonly at: number; readonly error?: string },
): Promise<boolean> {
  const changed = await tx
    .tables<TrainingTables>()
    .updateTable('runs')
    .set({ status, ended_at: at, error: error ?? null })
    .where('id', '=', run)
    .where('status', 'in', ['RUNNING', 'SCHEDULED'])
    .executeTakeFirst();
  return Number(changed.numUpdatedRows) > 0;
}

/** What names the folder of a run's files; undefined when there is no such run. */
export async function artifactPlaceOf(db: Db, run: string): Promise<ArtifactPlace | undefined> {
  const row = await db
    .tables<TrainingTables>()
    .selectFrom('runs')
    .innerJoin('experiments', 'experiments.id', 'runs.experiment')
    .select(['runs.id', 'experiments.public_id', 'experiments.artifact_location'])
    .where('runs.id', '=', run)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return { id: row.id, experiment: row.public_id, ...(row.artifact_location === null ? {} : { location: row.artifact_location }) };
}

export async function runOf(db: Db, names: MetricNames, id: string): Promise<Run | undefined> {
  const rows = await db.tables<TrainingTables>().selectFrom('runs').selectAll().where('id', '=', id).execute();
  return (await assemble(db, names, rows))[0];
}

export interface RunFilter {
  readonly experiment?: number;
  readonly study?: string;
  readonly status?: Run['status'];
}

/** Newest first. @param before only those with a lower position */
export async function selectRuns(
  db: Db,
  names: MetricNames,
  filter: RunFilter,
  limit: number,
  before: number | undefined,
): Promise<{ readonly run: Run; readonly position: number }[]> {
  let query = db.tables<TrainingTables>().selectFrom('runs').selectAll().where('deleted_at', 'is', null);
  if (filter.experiment !== undefined) query = query.where('experiment', '=', filter.experiment);
  if (filter.study !== undefined) query = query.where('study', '=', filter.study);
  if (filter.status !== undefined) query = query.where('status', '=', filter.status);
  if (before !== undefined) query = query.where('position', '<', before);
  const rows = await query.orderBy('position', 'desc').limit(limit).execute();
  const assembled = await assemble(db, names, rows);
  return assembled.map((run, at) => ({ run, position: rows[at].position ?? 0 }));
}

/** Ids, newest first. */
export async function newestRuns(db: Db, limit: number): Promise<string[]> {
  const runs = db.tables<TrainingTables>().selectFrom('runs').select('id').where('deleted_at', 'is', null);
  return (await runs.orderBy('position', 'desc').limit(limit).execute()).map(({ id }) => id);
}

/** Open runs of our own trainers: what a process that ended left behind. */
export async function openTrainerRuns(db: Db): Promise<string[]> {
  const rows = await db
    .tables<TrainingTables>()
    .selectFrom('runs')
    .select('id')
    .where('status', '=', 'RUNNING')
    .where((where) => where.or([where('trainer', 'is not', null), where('study', 'is not', null)]))
    .orderBy('position')
    .execute();
  return rows.map(({ id }) => id);
}

/** Rows with their parameters, tags and last metrics: one query for each table, however many runs. */
async function assemble(db: Db, names: MetricNames, rows: readonly RunRow[]): Promise<Run[]> {
  if (rows.length === 0) return [];
  const positions = rows.map(({ position = 0 }) => position);
  const tables = db.tables<TrainingTables>();
  const experimentsOf = tables
    .selectFrom('experiments')
    .select(['id', 'public_id'])
    .where('id', 'in', [...new Set(rows.map(({ experiment }) => experiment))]);
  const [parameters, tags, metrics, experiments] = await Promise.all([
    parametersOf(db, positions),
    tagsOf(db, positions),
    lastMetrics(db, names, positions),
    experimentsOf.execute(),
  ]);
  const publicIds = new Map(experiments.map(({ id, public_id: publicId }) => [id, publicId]));
  return rows.map((row, at) => ({
    id: row.id,
    experiment: publicIds.get(row.experiment) ?? String(row.experiment),
    name: row.name,
    status: row.status,
    ...(row.trainer === null ? {} : { trainer: row.trainer }),
    ...(row.study === null ? {} : { study: row.study }),
    ...(row.trial === null ? {} : { trial: row.trial }),
    parameters: Object.fromEntries(parameters[at].map((one) => [one.key, parameterValue(one)])),
    metrics: Object.fromEntries(metrics[at].filter(({ value }) => Number.isFinite(value)).map(({ key, value }) => [key, value])),
    tags: Object.fromEntries(tags[at].map(({ key, value }) => [key, value])),
    ...(row.seed === null ? {} : { seed: row.seed }),
    inputs: row.inputs,
    code: row.code,
    ...(row.environment === null ? {} : { environment: row.environment }),
    startedAt: isoInstant(row.started_at),
    ...(row.ended_at === null ? {} : { endedAt: isoInstant(row.ended_at) }),
    ...(row.error === null ? {} : { error: row.error }),
    createdBy: row.created_by,
  }));
}
