import type { Migration } from '#store';

/** Named views of the table of runs, and reports with all their versions. */
export const viewsAndReports: Migration = {
  id: '0007-views-and-reports',
  async up({ schema, types }) {
    await schema
      .createTable('saved_views')
      .addColumn('id', types.text, (column) => column.primaryKey())
      .addColumn('name', types.text, (column) => column.notNull())
      // Empty: of all experiments. A null would be equal to no other.
      .addColumn('experiment', types.text, (column) => column.notNull())
      .addColumn('query', types.text, (column) => column.notNull())
      .addColumn('created_by', types.json, (column) => column.notNull())
      .addColumn('created_at', types.instant, (column) => column.notNull())
      .addColumn('updated_at', types.instant, (column) => column.notNull())
      .execute();
    await schema.createIndex('saved_views_by_name').unique().on('saved_views').columns(['experiment', 'name']).execute();
    await schema
      .createTable('reports')
      .addColumn('id', types.text, (column) => column.primaryKey())
      .addColumn('title', types.text, (column) => column.notNull())
      .addColumn('version', types.integer, (column) => column.notNull())
      .addColumn('created_by', types.json, (column) => column.notNull())
      .addColumn('created_at', types.instant, (column) => column.notNull())
      .addColumn('changed_by', types.json, (column) => column.notNull())
      .addColumn('changed_at', types.instant, (column) => column.notNull())
      .execute();
    await schema
      .createTable('report_versions')
      .addColumn('report', types.text, (column) => column.notNull())
      .addColumn('version', types.integer, (column) => column.notNull())
      .addColumn('title', types.text, (column) => column.notNull())
      .addColumn('text', types.text, (column) => column.notNull())
      .addColumn('made_by', types.json, (column) => column.notNull())
      .addColumn('made_at', types.instant, (column) => column.notNull())
      .addPrimaryKeyConstraint('report_versions_key', ['report', 'version'])
      .execute();
  },
};
