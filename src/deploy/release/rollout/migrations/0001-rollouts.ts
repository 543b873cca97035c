import type { Migration } from '#store';

export const rollouts: Migration = {
  id: '0001-rollouts',
  async up({ schema, types }) {
    await schema
      .createTable('rollouts')
      .addColumn('id', types.text, (column) => column.primaryKey())
      .addColumn('environment', types.text, (column) => column.notNull())
      .addColumn('state', types.text, (column) => column.notNull())
      .addColumn('started_at', types.instant, (column) => column.notNull())
      .addColumn('record', types.json, (column) => column.notNull())
      .addColumn('reading', types.json)
      .execute();
    await schema.createIndex('rollouts_by_environment').on('rollouts').columns(['environment', 'started_at']).execute();
    await schema.createIndex('rollouts_by_state').on('rollouts').columns(['state', 'environment']).execute();
  },
};
