import type { Migration } from '#store';

export const policies: Migration = {
  id: '0002-policies',
  async up({ schema, types, appendOnly }) {
    await schema
      .createTable('release_policies')
      .addColumn('name', types.text, (column) => column.notNull())
      .addColumn('version', types.integer, (column) => column.notNull())
      .addColumn('published_at', types.instant, (column) => column.notNull())
      .addColumn('record', types.json, (column) => column.notNull())
      .addPrimaryKeyConstraint('release_policies_key', ['name', 'version'])
      .execute();
    await appendOnly('release_policies');
    await schema
      .createTable('attestations')
      .addColumn('id', types.text, (column) => column.primaryKey())
      .addColumn('model_version', types.text, (column) => column.notNull())
      .addColumn('attested_at', types.instant, (column) => column.notNull())
      .addColumn('record', types.json, (column) => column.notNull())
      .execute();
    await schema.createIndex('attestations_by_version').on('attestations').columns(['model_version', 'attested_at']).execute();
  },
};
