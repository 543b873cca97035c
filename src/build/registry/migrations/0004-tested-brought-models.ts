import type { Migration } from '#store';

/** Versions that were trained elsewhere are tested: how their graph is wired, and the packages that they had before. */
export const testedBroughtModels: Migration = {
  id: '0004-tested-brought-models',
  async up({ schema, types }) {
    await schema.alterTable('model_versions').addColumn('brought', types.json).execute();
    await schema
      .createTable('earlier_packages')
      .addColumn('package', types.text, (column) => column.notNull())
      .addColumn('version', types.text, (column) => column.notNull())
      .addPrimaryKeyConstraint('earlier_packages_key', ['package', 'version'])
      .execute();
  },
};
