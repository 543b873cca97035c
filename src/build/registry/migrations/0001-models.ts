import type { Migration } from '#store';

export const models: Migration = {
  id: '0001-models',
  async up({ schema, types }) {
    await schema
      .createTable('registered_models')
      .addColumn('name', types.text, (column) => column.primaryKey())
      .addColumn('description', types.text, (column) => column.notNull())
      .addColumn('created_at', types.instant, (column) => column.notNull())
      .addColumn('latest', types.integer, (column) => column.notNull())
      .execute();
    await schema
      .createTable('model_versions')
      .addColumn('position', types.sequenceKey)
      .addColumn('id', types.text, (column) => column.notNull().unique())
      .addColumn('model', types.text, (column) => column.notNull())
      .addColumn('version', types.integer, (column) => column.notNull())
      .addColumn('package', types.text, (column) => column.notNull())
      .addColumn('files', types.json, (column) => column.notNull())
      .addColumn('signature', types.json, (column) => column.notNull())
      .addColumn('run', types.text, (column) => column.notNull())
      .addColumn('test_report', types.text, (column) => column.notNull())
      .addColumn('tests_passed', types.boolean, (column) => column.notNull())
      .addColumn('charter', types.text, (column) => column.notNull())
      .addColumn('created_at', types.instant, (column) => column.notNull())
      .addColumn('created_by', types.json, (column) => column.notNull())
      .addUniqueConstraint('model_versions_number', ['model', 'version'])
      .addUniqueConstraint('model_versions_package', ['model', 'package'])
      .execute();
    await schema.createIndex('model_versions_by_model').on('model_versions').columns(['model', 'position']).execute();
    await schema.createIndex('model_versions_by_package').on('model_versions').columns(['package', 'position']).execute();
    await schema.createIndex('model_versions_by_run').on('model_versions').columns(['run', 'position']).execute();
    await schema
      .createTable('model_aliases')
      .addColumn('model', types.text, (column) => column.notNull())
      .addColumn('alias', types.text, (column) => column.notNull())
      .addColumn('version', types.integer, (column) => column.notNull())
      .addPrimaryKeyConstraint('model_aliases_key', ['model', 'alias'])
      .execute();
    await schema
      .createTable('model_version_tags')
      .addColumn('version', types.text, (column) => column.notNull())
      .addColumn('key', types.text, (column) => column.notNull())
      .addColumn('value', types.text, (column) => column.notNull())
      .addPrimaryKeyConstraint('model_version_tags_key', ['version', 'key'])
      .execute();
  },
};
