import type { Migration, MigrationTx } from '#store';

/** Models that runs log before anybody registers them, with parameters, tags and metrics of their own; which runs made and used them. */
export const loggedModels: Migration = {
  id: '0004-logged-models',
  async up(tx) {
    const { schema, types } = tx;
    await schema
      .createTable('logged_models')
      .addColumn('position', types.sequenceKey)
      .addColumn('id', types.text, (column) => column.notNull().unique())
      .addColumn('experiment', types.integer, (column) => column.notNull())
      .addColumn('name', types.text, (column) => column.notNull())
      .addColumn('model_type', types.text)
      .addColumn('status', types.text, (column) => column.notNull())
      .addColumn('source_run', types.text)
      .addColumn('created_at', types.instant, (column) => column.notNull())
      .addColumn('updated_at', types.instant, (column) => column.notNull())
      .addColumn('deleted_at', types.instant)
      .addColumn('created_by', types.json, (column) => column.notNull())
      .execute();
    await schema
      .createIndex('logged_models_by_creation')
      .on('logged_models')
      .columns(['experiment', 'deleted_at', 'created_at desc', 'id'])
      .execute();
    await makeKeyed(tx);
    await makeMetrics(tx);
    await makeUses(tx);
  },
};

async function makeKeyed({ schema, types, clustered }: MigrationTx): Promise<void> {
  for (const table of ['logged_model_parameters', 'logged_model_tags']) {
    await schema
      .createTable(table)
      .addColumn('model', types.integer, (column) => column.notNull())
      .addColumn('key', types.text, (column) => column.notNull())
      .addColumn('value', types.text, (column) => column.notNull())
      // What filters look up: an index on whole values would refuse long ones (PostgreSQL: 2,704 bytes).
      .addColumn('value_start', types.text, (column) => column.notNull())
      .addPrimaryKeyConstraint(`${table}_key`, ['model', 'key'])
      .modifyEnd(clustered)
      .execute();
    await schema.createIndex(`${table}_by_value`).on(table).columns(['key', 'value_start', 'model']).execute();
  }
}

async function makeMetrics({ schema, types, clustered }: MigrationTx): Promise<void> {
  await schema
    .createTable('logged_model_metrics')
    .addColumn('model', types.integer, (column) => column.notNull())
    .addColumn('name', types.integer, (column) => column.notNull())
    .addColumn('timestamp', types.instant, (column) => column.notNull())
    .addColumn('step', types.integer, (column) => column.notNull())
    .addColumn('run', types.integer, (column) => column.notNull())
    // Empty: on no dataset.
    .addColumn('dataset_name', types.text, (column) => column.notNull())
    .addColumn('dataset_digest', types.text, (column) => column.notNull())
    .addColumn('value', types.real, (column) => column.notNull())
    // SQLite has no NaN: the value is 0 then.
    .addColumn('is_nan', types.boolean, (column) => column.notNull())
    .addPrimaryKeyConstraint('logged_model_metrics_key', ['model', 'name', 'timestamp', 'step', 'run', 'dataset_name', 'dataset_digest'])
    .modifyEnd(clustered)
    .execute();
  await schema
    .createIndex('logged_model_metrics_by_value')
    .on('logged_model_metrics')
    .columns(['name', 'is_nan', 'value', 'model'])
    .execute();
  await schema
    .createIndex('logged_model_metrics_by_dataset')
    .on('logged_model_metrics')
    .columns(['dataset_name', 'dataset_digest', 'model'])
    .execute();
}

async function makeUses({ schema, types }: MigrationTx): Promise<void> {
  await schema
    .createTable('run_models')
    .addColumn('position', types.sequenceKey)
    .addColumn('run', types.integer, (column) => column.notNull())
    // By its id, as the client says it.
    .addColumn('model', types.text, (column) => column.notNull())
    // input: the run used it; output: the run made it.
    .addColumn('role', types.text, (column) => column.notNull())
    .addColumn('step', types.integer, (column) => column.notNull())
    .addUniqueConstraint('run_models_use', ['run', 'role', 'model', 'step'])
    .execute();
  await schema.createIndex('run_models_by_model').on('run_models').columns(['model', 'role', 'run']).execute();
}
