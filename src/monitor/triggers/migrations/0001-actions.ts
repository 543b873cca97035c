import type { Migration } from '#store';

export const actions: Migration = {
  id: '0001-actions',
  async up({ schema, types }) {
    await schema
      .createTable('actions')
      .addColumn('id', types.text, (column) => column.primaryKey())
      .addColumn('kind', types.text, (column) => column.notNull())
      .addColumn('state', types.text, (column) => column.notNull())
      .addColumn('alert', types.text)
      .addColumn('pipeline_run', types.text)
      .addColumn('started_at', types.instant, (column) => column.notNull())
      .addColumn('record', types.json, (column) => column.notNull())
      .addUniqueConstraint('actions_once_per_alert', ['alert', 'kind'])
      .execute();
    await schema.createIndex('actions_by_state').on('actions').columns(['state', 'started_at']).execute();
    await schema.createIndex('actions_by_pipeline_run').on('actions').column('pipeline_run').execute();
  },
};
