import type { Migration } from '#store';

/** Narrow tables with covering indexes: filters over many runs are answered from an index alone. */
export const runs: Migration = {
  id: '0001-runs',
  async up({ schema, types }) {
    await schema
      .createTable('experiments')
      .addColumn('id', types.integer, (column) => column.primaryKey())
      .addColumn('name', types.text, (column) => column.notNull().unique())
      .addColumn('created_at', types.instant, (column) => column.notNull())
      .execute();
    await schema
      .createTable('runs')
      .addColumn('position', types.sequenceKey)
      .addColumn('id', types.text, (column) => column.notNull().unique())
      .addColumn('experiment', types.integer, (column) => column.notNull())
      .addColumn('name', types.text, (column) => column.notNull())
      .addColumn('status', types.text, (column) => column.notNull())
      .addColumn('trainer', types.text)
      .addColumn('study', types.text)
      .addColumn('trial', types.integer)
      .addColumn('seed', types.integer)
      .addColumn('inputs', types.json, (column) => column.notNull())
      .addColumn('code', types.json, (column) => column.notNull())
      .addColumn('environment', types.json, (column) => column.notNull())
      .addColumn('error', types.text)
      .addColumn('started_at', types.instant, (column) => column.notNull())
      .addColumn('ended_at', types.instant)
      .addColumn('created_by', types.json, (column) => column.notNull())
      .execute();
    await schema.createIndex('runs_by_experiment').on('runs').columns(['experiment', 'position']).execute();
    await schema.createIndex('runs_by_study').on('runs').columns(['study', 'position']).execute();
    await schema.createIndex('runs_by_status').on('runs').columns(['status', 'position']).execute();
    for (const table of ['run_parameters', 'run_tags']) {
      await schema
        .createTable(table)
        .addColumn('run', types.text, (column) => column.notNull())
        .addColumn('key', types.text, (column) => column.notNull())
        .addColumn('value', types.text, (column) => column.notNull())
        // What filters look up: an index on whole values would refuse long ones (PostgreSQL: 2,704 bytes).
        .addColumn('value_start', types.text, (column) => column.notNull())
        .addPrimaryKeyConstraint(`${table}_key`, ['run', 'key'])
        .execute();
      await schema.createIndex(`${table}_by_value`).on(table).columns(['key', 'value_start', 'run']).execute();
    }
    await schema
      .createTable('run_metrics')
      .addColumn('position', types.sequenceKey)
      .addColumn('run', types.text, (column) => column.notNull())
      .addColumn('key', types.text, (column) => column.notNull())
      .addColumn('step', types.integer, (column) => column.notNull())
      .addColumn('timestamp', types.instant, (column) => column.notNull())
      .addColumn('value', types.real, (column) => column.notNull())
      .execute();
    await schema.createIndex('run_metrics_history').on('run_metrics').columns(['run', 'key', 'step', 'position']).execute();
    await schema
      .createTable('run_metrics_latest')
      .addColumn('run', types.text, (column) => column.notNull())
      .addColumn('key', types.text, (column) => column.notNull())
      .addColumn('step', types.integer, (column) => column.notNull())
      .addColumn('timestamp', types.instant, (column) => column.notNull())
      .addColumn('value', types.real, (column) => column.notNull())
      .addPrimaryKeyConstraint('run_metrics_latest_key', ['run', 'key'])
      .execute();
    await schema.createIndex('run_metrics_latest_by_value').on('run_metrics_latest').columns(['key', 'value', 'run']).execute();
    await schema
      .createTable('run_artifacts')
      .addColumn('run', types.text, (column) => column.notNull())
      .addColumn('path', types.text, (column) => column.notNull())
      .addColumn('digest', types.text, (column) => column.notNull())
      .addColumn('size', types.integer, (column) => column.notNull())
      .addPrimaryKeyConstraint('run_artifacts_key', ['run', 'path'])
      .execute();
    await schema.createIndex('run_artifacts_by_digest').on('run_artifacts').columns(['digest', 'run']).execute();
    await schema
      .createTable('studies')
      .addColumn('position', types.sequenceKey)
      .addColumn('id', types.text, (column) => column.notNull().unique())
      .addColumn('record', types.json, (column) => column.notNull())
      .execute();
  },
};
