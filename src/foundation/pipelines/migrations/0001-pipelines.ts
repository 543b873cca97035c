import type { Migration } from '#store';

export const pipelines: Migration = {
  id: '0001-pipelines',
  async up({ schema, types }) {
    await schema
      .createTable('pipeline_runs')
      .addColumn('id', types.text, (column) => column.primaryKey())
      .addColumn('pipeline', types.text, (column) => column.notNull())
      .addColumn('state', types.text, (column) => column.notNull())
      .addColumn('reason', types.text, (column) => column.notNull())
      .addColumn('parameters', types.json, (column) => column.notNull())
      .addColumn('fresh', types.boolean, (column) => column.notNull())
      .addColumn('created_by', types.json, (column) => column.notNull())
      .addColumn('created_at', types.instant, (column) => column.notNull())
      .addColumn('ended_at', types.instant)
      .addColumn('owner', types.text)
      .addColumn('heartbeat_at', types.instant, (column) => column.notNull())
      .addColumn('cancelled_by', types.text)
      .execute();
    await schema.createIndex('pipeline_runs_by_creation').on('pipeline_runs').columns(['created_at', 'id']).execute();
    await schema.createIndex('pipeline_runs_by_state').on('pipeline_runs').columns(['state', 'heartbeat_at']).execute();
    await schema
      .createTable('step_runs')
      .addColumn('id', types.text, (column) => column.primaryKey())
      .addColumn('pipeline_run', types.text, (column) => column.notNull().references('pipeline_runs.id'))
      .addColumn('position', types.integer, (column) => column.notNull())
      .addColumn('step', types.text, (column) => column.notNull())
      .addColumn('kind', types.text, (column) => column.notNull())
      .addColumn('plan', types.json, (column) => column.notNull())
      .addColumn('state', types.text, (column) => column.notNull())
      .addColumn('attempt', types.integer, (column) => column.notNull())
      .addColumn('cache_key', types.text)
      .addColumn('reused_from', types.text)
      .addColumn('inputs', types.json, (column) => column.notNull())
      .addColumn('outputs', types.json)
      .addColumn('summary', types.text)
      .addColumn('error', types.text)
      .addColumn('log', types.json, (column) => column.notNull())
      .addColumn('started_at', types.instant)
      .addColumn('ended_at', types.instant)
      .addUniqueConstraint('step_runs_name', ['pipeline_run', 'step'])
      .execute();
    await schema.createIndex('step_runs_by_cache_key').on('step_runs').columns(['cache_key', 'state', 'ended_at']).execute();
  },
};
