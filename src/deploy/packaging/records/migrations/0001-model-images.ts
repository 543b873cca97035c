import type { Migration } from '#store';

export const modelImages: Migration = {
  id: '0001-model-images',
  async up({ schema, types }) {
    await schema
      .createTable('model_images')
      .addColumn('position', types.sequenceKey)
      .addColumn('id', types.text, (column) => column.notNull().unique())
      .addColumn('model', types.text, (column) => column.notNull())
      .addColumn('record', types.json, (column) => column.notNull())
      .execute();
    await schema.createIndex('model_images_by_model').on('model_images').columns(['model', 'position']).execute();
  },
};
