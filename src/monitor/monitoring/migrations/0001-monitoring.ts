import type { Migration } from '#store';

export const monitoring: Migration = {
  id: '0001-monitoring',
  async up({ schema, types }) {
    await schema
      .createTable('monitor_segments')
      .addColumn('id', types.text, (column) => column.primaryKey())
      .addColumn('environment', types.text, (column) => column.notNull())
      .addColumn('rows', types.integer, (column) => column.notNull())
      .addColumn('ingested_at', types.instant, (column) => column.notNull())
      .execute();
    await schema
      .createTable('predictions')
      .addColumn('id', types.text, (column) => column.primaryKey())
      .addColumn('environment', types.text, (column) => column.notNull())
      .addColumn('endpoint', types.text, (column) => column.notNull())
      .addColumn('generation', types.integer, (column) => column.notNull())
      .addColumn('package', types.text, (column) => column.notNull())
      .addColumn('model', types.text, (column) => column.notNull())
      .addColumn('version', types.text, (column) => column.notNull())
      .addColumn('model_version', types.text)
      .addColumn('event_time', types.instant, (column) => column.notNull())
      .addColumn('event_time_given', types.boolean, (column) => column.notNull())
      .addColumn('served_at', types.instant, (column) => column.notNull())
      .addColumn('key', types.text)
      .addColumn('predicted', types.text)
      .addColumn('score', types.real)
      .addColumn('latency_ms', types.real, (column) => column.notNull())
      .addColumn('inputs', types.json, (column) => column.notNull())
      .addColumn('outputs', types.json, (column) => column.notNull())
      .execute();
    await schema.createIndex('predictions_by_time').on('predictions').columns(['environment', 'endpoint', 'event_time', 'id']).execute();
    await schema.createIndex('predictions_by_key').on('predictions').columns(['key', 'event_time']).execute();
    // No reference to a prediction: a label may come first.
    await schema
      .createTable('prediction_labels')
      .addColumn('prediction', types.text, (column) => column.primaryKey())
      .addColumn('value', types.json, (column) => column.notNull())
      .addColumn('observed_at', types.instant)
      .addColumn('received_at', types.instant, (column) => column.notNull())
      .addColumn('received_by', types.text, (column) => column.notNull())
      .addColumn('revision', types.integer, (column) => column.notNull())
      .addColumn('matched', types.boolean, (column) => column.notNull())
      .execute();
    // `changes` counts what happened to a window's rows, `computed` how far the record knows of it: unequal means due.
    await schema
      .createTable('monitor_windows')
      .addColumn('environment', types.text, (column) => column.notNull())
      .addColumn('endpoint', types.text, (column) => column.notNull())
      .addColumn('start', types.instant, (column) => column.notNull())
      .addColumn('length_ms', types.integer, (column) => column.notNull())
      .addColumn('changes', types.integer, (column) => column.notNull())
      .addColumn('computed', types.integer, (column) => column.notNull())
      .addColumn('id', types.text, (column) => column.unique())
      .addColumn('revision', types.integer, (column) => column.notNull())
      .addColumn('judged', types.boolean, (column) => column.notNull())
      .addColumn('generation', types.integer)
      .addColumn('findings', types.json)
      .addColumn('record', types.json)
      .addPrimaryKeyConstraint('monitor_windows_key', ['environment', 'endpoint', 'start', 'length_ms'])
      .execute();
    await schema.createIndex('monitor_windows_by_start').on('monitor_windows').columns(['start', 'environment', 'endpoint']).execute();
    await schema
      .createTable('alerts')
      .addColumn('id', types.text, (column) => column.primaryKey())
      .addColumn('environment', types.text, (column) => column.notNull())
      .addColumn('endpoint', types.text, (column) => column.notNull())
      .addColumn('state', types.text, (column) => column.notNull())
      .addColumn('raised_at', types.instant, (column) => column.notNull())
      .addColumn('generation', types.integer, (column) => column.notNull())
      .addColumn('last_start', types.instant, (column) => column.notNull())
      .addColumn('settled_from', types.instant)
      .addColumn('findings', types.json, (column) => column.notNull())
      .addColumn('record', types.json, (column) => column.notNull())
      .execute();
    await schema.createIndex('alerts_by_endpoint').on('alerts').columns(['environment', 'endpoint', 'raised_at']).execute();
  },
};
