import type { Migration } from '#store';

export const testReports: Migration = {
  id: '0001-test-reports',
  async up({ schema, types }) {
    await schema
      .createTable('test_reports')
      .addColumn('position', types.sequenceKey)
      .addColumn('id', types.text, (column) => column.notNull().unique())
      .addColumn('digest', types.text, (column) => column.notNull().unique())
      .addColumn('run', types.text, (column) => column.notNull())
      .addColumn('dataset', types.text, (column) => column.notNull())
      .addColumn('passed', types.boolean, (column) => column.notNull())
      .addColumn('created_at', types.instant, (column) => column.notNull())
      .addColumn('record', types.json, (column) => column.notNull())
      .execute();
    await schema.createIndex('test_reports_by_run').on('test_reports').columns(['run', 'position']).execute();
    await schema.createIndex('test_reports_by_dataset').on('test_reports').columns(['dataset', 'position']).execute();
  },
};
