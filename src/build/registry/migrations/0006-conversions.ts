import type { Migration } from '#store';

export const conversions: Migration = {
  id: '0006-conversions',
  async up({ schema, types }) {
    await schema
      .createTable('model_conversions')
      .addColumn('position', types.sequenceKey)
      .addColumn('id', types.text, (column) => column.notNull().unique())
      .addColumn('model', types.text, (column) => column.notNull())
      .addColumn('owner', types.text, (column) => column.notNull())
      .addColumn('state', types.text, (column) => column.notNull())
      .addColumn('conversion', types.json, (column) => column.notNull())
      .execute();
    await schema.createIndex('model_conversions_by_model').on('model_conversions').columns(['model', 'position']).execute();
    await schema.createIndex('model_conversions_by_state').on('model_conversions').columns(['state']).execute();
  },
};
