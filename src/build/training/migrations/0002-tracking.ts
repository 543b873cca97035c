import { sql } from 'kysely';
import type { Migration, MigrationTx } from '#store';

/** The tables as they were before, for the move. */
interface Old {
  experiments: { id: number; public_id: string | null };
  runs: { id: string; position: number };
  run_metrics: { position: number; run: string; key: string; step: number; timestamp: number; value: number };
  run_metrics_latest: { run: string; key: string; step: number; timestamp: number; value: number };
  run_parameters: { run: string; key: string; value: string; value_start: string };
  run_tags: { run: string; key: string; value: string; value_start: string };
  metric_names: { id: number; name: string };
}

/**
 * Runs by number and metrics by number, so that rows are small and lie together; points in the order of steps; what MLflow's clients
 * know of experiments and runs beside what Gyre's own do.
 */
export const tracking: Migration = {
  id: '0002-tracking',
  async up(tx) {
    await widen(tx);
    await makeMetrics(tx);
    await makeKeyed(tx);
    await makeInputs(tx);
  },
};

async function widen(tx: MigrationTx): Promise<void> {
  const { schema, types } = tx;
  for (const [column, type] of [
    ['public_id', types.text],
    ['artifact_location', types.text],
    ['updated_at', types.instant],
    ['deleted_at', types.instant],
  ] as const) {
    await schema.alterTable('experiments').addColumn(column, type).execute();
  }
  await tx
    .tables<Old>()
    .updateTable('experiments')
    .set({ public_id: sql<string>`cast(id as text)` })
    .execute();
  await schema.createIndex('experiments_by_public_id').unique().on('experiments').column('public_id').execute();
  await schema
    .createTable('experiment_tags')
    .addColumn('experiment', types.integer, (column) => column.notNull())
    .addColumn('key', types.text, (column) => column.notNull())
    .addColumn('value', types.text, (column) => column.notNull())
    .addPrimaryKeyConstraint('experiment_tags_key', ['experiment', 'key'])
    .execute();
  await schema.alterTable('runs').addColumn('deleted_at', types.instant).execute();
  await schema.alterTable('runs').addColumn('user_name', types.text).execute();
  await schema.createIndex('runs_by_start').on('runs').columns(['experiment', 'deleted_at', 'started_at desc', 'id']).execute();
}

async function makeMetrics(tx: MigrationTx): Promise<void> {
  const { schema, types, clustered } = tx;
  await schema
    .createTable('metric_names')
    .addColumn('id', types.sequenceKey)
    .addColumn('name', types.text, (column) => column.notNull().unique())
    .execute();
  await schema
    .createTable('metric_points')
    .addColumn('run', types.integer, (column) => column.notNull())
    .addColumn('name', types.integer, (column) => column.notNull())
    .addColumn('step', types.integer, (column) => column.notNull())
    .addColumn('timestamp', types.instant, (column) => column.notNull())
    .addColumn('value', types.real, (column) => column.notNull())
    // SQLite has no NaN: the value is 0 then.
    .addColumn('is_nan', types.boolean, (column) => column.notNull())
    .addPrimaryKeyConstraint('metric_points_key', ['run', 'name', 'step', 'timestamp', 'value', 'is_nan'])
    .modifyEnd(clustered)
    .execute();
  await schema
    .createTable('metric_latest')
    .addColumn('run', types.integer, (column) => column.notNull())
    .addColumn('name', types.integer, (column) => column.notNull())
    .addColumn('step', types.integer, (column) => column.notNull())
    .addColumn('timestamp', types.instant, (column) => column.notNull())
    .addColumn('value', types.real, (column) => column.notNull())
    .addColumn('is_nan', types.boolean, (column) => column.notNull())
    // Whether later steps never came with earlier times: then the order of steps is that of times.
    .addColumn('in_order', types.boolean, (column) => column.notNull())
    .addPrimaryKeyConstraint('metric_latest_key', ['run', 'name'])
    .modifyEnd(clustered)
    .execute();
  const names = sql`insert into metric_names (name) select distinct key from run_metrics order by key`;
  const points = sql`insert into metric_points (run, name, step, timestamp, value, is_nan)
    select distinct r.position, n.id, m.step, m.timestamp, m.value, cast(${false} as ${types.boolean})
    from run_metrics m join runs r on r.id = m.run join metric_names n on n.name = m.key`;
  const latest = sql`insert into metric_latest (run, name, step, timestamp, value, is_nan, in_order)
    select r.position, n.id, m.step, m.timestamp, m.value, cast(${false} as ${types.boolean}), cast(${false} as ${types.boolean})
    from run_metrics_latest m join runs r on r.id = m.run join metric_names n on n.name = m.key`;
  for (const move of [names, points, latest]) await move.execute(tx.tables<Old>());
  await schema.createIndex('metric_latest_by_value').on('metric_latest').columns(['name', 'is_nan', 'value', 'run']).execute();
  await schema.dropTable('run_metrics').execute();
  await schema.dropTable('run_metrics_latest').execute();
}

async function makeKeyed(tx: MigrationTx): Promise<void> {
  const { schema, types, clustered } = tx;
  for (const [table, old] of [
    ['parameters', 'run_parameters'],
    ['tags', 'run_tags'],
  ] as const) {
    await schema
      .createTable(table)
      .addColumn('run', types.integer, (column) => column.notNull())
      .addColumn('key', types.text, (column) => column.notNull())
      .addColumn('value', types.text, (column) => column.notNull())
      // What filters look up: an index on whole values would refuse long ones (PostgreSQL: 2,704 bytes).
      .addColumn('value_start', types.text, (column) => column.notNull())
      // What the text was before it was one: string, number or boolean.
      .addColumn('kind', types.text, (column) => column.notNull())
      .addPrimaryKeyConstraint(`${table}_key`, ['run', 'key'])
      .modifyEnd(clustered)
      .execute();
    const isJson = table === 'parameters';
    const rows = await tx
      .tables<Old>()
      .selectFrom(old)
      .innerJoin('runs', 'runs.id', `${old}.run`)
      .select(['runs.position as run', 'key', 'value'])
      .execute();
    for (let start = 0; start < rows.length; start += 500) {
      await tx
        .tables<Record<string, Record<string, unknown>>>()
        .insertInto(table)
        .values(rows.slice(start, start + 500).map(({ run, key, value }) => ({ run, key, ...(isJson ? textOf(value) : plainText(value)) })))
        .execute();
    }
    await schema.createIndex(`${table}_by_value`).on(table).columns(['key', 'value_start', 'run']).execute();
    await schema.dropTable(old).execute();
  }
}

const plainText = (value: string, kind = 'string'): Record<string, string> => ({ value, value_start: value.slice(0, 200), kind });

function textOf(json: string): Record<string, string> {
  const value: unknown = JSON.parse(json);
  return typeof value === 'string' ? plainText(value) : plainText(json, typeof value);
}

async function makeInputs({ schema, types }: MigrationTx): Promise<void> {
  await schema
    .createTable('tracked_datasets')
    .addColumn('id', types.sequenceKey)
    .addColumn('experiment', types.integer, (column) => column.notNull())
    .addColumn('name', types.text, (column) => column.notNull())
    .addColumn('digest', types.text, (column) => column.notNull())
    .addColumn('source_type', types.text, (column) => column.notNull())
    .addColumn('source', types.text, (column) => column.notNull())
    .addColumn('schema', types.text)
    .addColumn('profile', types.text)
    .addUniqueConstraint('tracked_datasets_name', ['experiment', 'name', 'digest'])
    .execute();
  await schema
    .createTable('run_datasets')
    .addColumn('run', types.integer, (column) => column.notNull())
    .addColumn('dataset', types.integer, (column) => column.notNull().references('tracked_datasets.id'))
    .addColumn('context', types.text)
    .addColumn('tags', types.json, (column) => column.notNull())
    .addPrimaryKeyConstraint('run_datasets_key', ['run', 'dataset'])
    .execute();
  await schema.createIndex('run_datasets_by_dataset').on('run_datasets').columns(['dataset', 'context', 'run']).execute();
}
