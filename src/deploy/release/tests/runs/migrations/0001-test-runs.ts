import type { Migration } from '#store';

export const testRuns: Migration = {
  id: '0001-test-runs',
  async up({ schema, types }) {
    await schema
      .createTable('application_test_runs')
      .addColumn('position', types.sequenceKey)
      .addColumn('id', types.text, (column) => column.notNull().unique())
      .addColumn('owner', types.text, (column) => column.notNull())
      .addColumn('state', types.text, (column) => column.notNull())
      .addColumn('run', types.json, (column) => column.notNull())
      .execute();
    await schema.createIndex('application_test_runs_by_state').on('application_test_runs').columns(['state']).execute();
  },
};
