import type { Migration } from '#store';

export const runs: Migration = {
  id: '0001-runs',
  async up({ schema, types }) {
    await schema
      .createTable('ci_runs')
      .addColumn('position', types.sequenceKey)
      .addColumn('id', types.text, (column) => column.notNull().unique())
      // The commit as such: null where files differed from it.
      .addColumn('clean_commit', types.text)
      .addColumn('branch', types.text)
      .addColumn('state', types.text, (column) => column.notNull())
      .addColumn('request', types.json, (column) => column.notNull())
      .addColumn('record', types.json, (column) => column.notNull())
      .execute();
    await schema.createIndex('ci_runs_by_commit').on('ci_runs').columns(['clean_commit', 'position']).execute();
    await schema.createIndex('ci_runs_by_state').on('ci_runs').columns(['state', 'position']).execute();
  },
};
