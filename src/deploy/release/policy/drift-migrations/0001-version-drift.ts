import type { Migration } from '#store';

export const versionDrift: Migration = {
  id: '0001-version-drift',
  async up({ schema, types }) {
    await schema
      .createTable('version_drift')
      .addColumn('window_id', types.text, (column) => column.primaryKey())
      .addColumn('model_version', types.text, (column) => column.notNull())
      .addColumn('started_at', types.instant, (column) => column.notNull())
      .addColumn('record', types.json, (column) => column.notNull())
      .execute();
    await schema.createIndex('version_drift_by_version').on('version_drift').columns(['model_version', 'started_at']).execute();
  },
};
