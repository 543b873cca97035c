import type { Migration } from '#store';

export const datasets: Migration = {
  id: '0001-datasets',
  async up({ schema, types }) {
    await schema
      .createTable('dataset_versions')
      .addColumn('position', types.sequenceKey)
      .addColumn('digest', types.text, (column) => column.notNull())
      .addColumn('dataset', types.text, (column) => column.notNull())
      .addColumn('part', types.text)
      .addColumn('rows', types.integer, (column) => column.notNull())
      .addColumn('rows_digest', types.text, (column) => column.notNull())
      .addColumn('reading', types.text)
      .addColumn('manifest', types.json, (column) => column.notNull())
      .addColumn('table_schema', types.json, (column) => column.notNull())
      .addColumn('source', types.text, (column) => column.notNull())
      .addColumn('created_at', types.instant, (column) => column.notNull())
      .addColumn('created_by', types.json, (column) => column.notNull())
      .addUniqueConstraint('dataset_versions_digest', ['digest', 'dataset'])
      .execute();
    await schema.createIndex('dataset_versions_by_dataset').on('dataset_versions').columns(['dataset', 'position']).execute();
    await schema.createIndex('dataset_versions_by_reading').on('dataset_versions').columns(['dataset', 'reading']).execute();
    await schema
      .createTable('dataset_splits')
      .addColumn('position', types.sequenceKey)
      .addColumn('id', types.text, (column) => column.notNull().unique())
      .addColumn('definition', types.text, (column) => column.notNull().unique())
      .addColumn('version', types.text, (column) => column.notNull())
      .addColumn('split', types.json, (column) => column.notNull())
      .execute();
    await schema.createIndex('dataset_splits_by_version').on('dataset_splits').columns(['version', 'position']).execute();
    await schema
      .createTable('dataset_quality_reports')
      .addColumn('position', types.sequenceKey)
      .addColumn('id', types.text, (column) => column.notNull().unique())
      .addColumn('version', types.text, (column) => column.notNull())
      .addColumn('report', types.json, (column) => column.notNull())
      .execute();
    await schema.createIndex('dataset_quality_reports_by_version').on('dataset_quality_reports').columns(['version', 'position']).execute();
    await schema
      .createTable('dataset_profiles')
      .addColumn('version', types.text, (column) => column.notNull())
      .addColumn('target', types.text, (column) => column.notNull())
      .addColumn('profile', types.json, (column) => column.notNull())
      .addPrimaryKeyConstraint('dataset_profiles_key', ['version', 'target'])
      .execute();
  },
};
