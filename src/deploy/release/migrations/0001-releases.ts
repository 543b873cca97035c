import type { Migration } from '#store';

export const releases: Migration = {
  id: '0001-releases',
  async up({ schema, types }) {
    await schema
      .createTable('deployments')
      .addColumn('id', types.text, (column) => column.primaryKey())
      .addColumn('environment', types.text, (column) => column.notNull())
      .addColumn('generation', types.integer, (column) => column.notNull())
      .addColumn('model_version', types.text, (column) => column.notNull())
      .addColumn('state', types.text, (column) => column.notNull())
      .addColumn('deployed_at', types.instant, (column) => column.notNull())
      .addColumn('record', types.json, (column) => column.notNull())
      .addUniqueConstraint('deployments_generation', ['environment', 'generation'])
      .execute();
    await schema.createIndex('deployments_by_version').on('deployments').columns(['model_version', 'environment']).execute();
    await schema
      .createTable('application_tests')
      .addColumn('id', types.text, (column) => column.primaryKey())
      .addColumn('model_version', types.text, (column) => column.notNull())
      .addColumn('environment', types.text, (column) => column.notNull())
      .addColumn('ended_at', types.instant, (column) => column.notNull())
      .addColumn('record', types.json, (column) => column.notNull())
      .execute();
    await schema.createIndex('application_tests_by_version').on('application_tests').columns(['model_version', 'ended_at']).execute();
    await schema
      .createTable('certifications')
      .addColumn('id', types.text, (column) => column.primaryKey())
      .addColumn('model_version', types.text, (column) => column.notNull())
      .addColumn('certified_at', types.instant, (column) => column.notNull())
      .addColumn('record', types.json, (column) => column.notNull())
      .execute();
    await schema.createIndex('certifications_by_version').on('certifications').columns(['model_version', 'certified_at']).execute();
    await schema
      .createTable('approvals')
      .addColumn('id', types.text, (column) => column.primaryKey())
      .addColumn('model_version', types.text, (column) => column.notNull())
      .addColumn('environment', types.text, (column) => column.notNull())
      .addColumn('approved_at', types.instant, (column) => column.notNull())
      .addColumn('record', types.json, (column) => column.notNull())
      .execute();
    await schema.createIndex('approvals_by_version').on('approvals').columns(['model_version', 'environment', 'approved_at']).execute();
  },
};
