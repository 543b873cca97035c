import type { Migration } from '#store';

export const grants: Migration = {
  id: '0002-grants',
  async up({ schema, types }) {
    await schema
      .createTable('record_grants')
      .addColumn('identity', types.text, (column) => column.notNull().references('identities.id'))
      .addColumn('kind', types.text, (column) => column.notNull())
      .addColumn('record', types.text, (column) => column.notNull())
      .addColumn('level', types.text, (column) => column.notNull())
      .addColumn('granted_at', types.instant, (column) => column.notNull())
      .addColumn('granted_by', types.text, (column) => column.notNull())
      .addPrimaryKeyConstraint('record_grants_key', ['identity', 'kind', 'record'])
      .execute();
    await schema.createIndex('record_grants_by_record').on('record_grants').columns(['kind', 'record']).execute();
  },
};
