import type { Migration } from '#store';

export const batchPredictions: Migration = {
  id: '0001-batch-predictions',
  async up({ schema, types }) {
    await schema
      .createTable('batch_predictions')
      .addColumn('position', types.sequenceKey)
      .addColumn('id', types.text, (column) => column.notNull().unique())
      .addColumn('model', types.text, (column) => column.notNull())
      .addColumn('state', types.text, (column) => column.notNull())
      .addColumn('prediction', types.json, (column) => column.notNull())
      .execute();
    await schema.createIndex('batch_predictions_by_model').on('batch_predictions').columns(['model', 'position']).execute();
    await schema.createIndex('batch_predictions_by_state').on('batch_predictions').columns(['state']).execute();
  },
};
