import type { Migration } from '#store';

export const streamPredictions: Migration = {
  id: '0001-stream-predictions',
  async up({ schema, types }) {
    await schema
      .createTable('stream_predictions')
      .addColumn('position', types.sequenceKey)
      .addColumn('id', types.text, (column) => column.notNull().unique())
      .addColumn('model', types.text, (column) => column.notNull())
      .addColumn('state', types.text, (column) => column.notNull())
      .addColumn('owner', types.text, (column) => column.notNull())
      .addColumn('prediction', types.json, (column) => column.notNull())
      .execute();
    await schema.createIndex('stream_predictions_by_model').on('stream_predictions').columns(['model', 'position']).execute();
    await schema.createIndex('stream_predictions_by_state').on('stream_predictions').columns(['state']).execute();
  },
};
