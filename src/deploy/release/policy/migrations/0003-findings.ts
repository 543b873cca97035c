import type { Migration } from '#store';

export const findings: Migration = {
  id: '0003-findings',
  async up({ schema, types }) {
    await schema
      .createTable('release_findings')
      .addColumn('id', types.text, (column) => column.primaryKey())
      .addColumn('model_version', types.text, (column) => column.notNull())
      .addColumn('state', types.text, (column) => column.notNull())
      .addColumn('found_at', types.instant, (column) => column.notNull())
      .addColumn('record', types.json, (column) => column.notNull())
      .execute();
    await schema.createIndex('release_findings_by_version').on('release_findings').columns(['model_version', 'found_at']).execute();
  },
};
