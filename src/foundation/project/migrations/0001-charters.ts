import type { Migration } from '#store';

export const charters: Migration = {
  id: '0001-charters',
  async up({ schema, types }) {
    await schema
      .createTable('charter_versions')
      .addColumn('project', types.text, (column) => column.notNull())
      .addColumn('version', types.integer, (column) => column.notNull())
      .addColumn('digest', types.text, (column) => column.notNull())
      .addColumn('charter', types.json, (column) => column.notNull())
      .addColumn('recorded_at', types.instant, (column) => column.notNull())
      .addColumn('recorded_by', types.text, (column) => column.notNull())
      .addPrimaryKeyConstraint('charter_versions_key', ['project', 'version'])
      .addUniqueConstraint('charter_versions_digest', ['project', 'digest'])
      .execute();
  },
};
