import type { Migration } from '#store';

export const imageFeatures: Migration = {
  id: '0002-image-features',
  async up({ schema, types }) {
    await schema
      .createTable('image_features')
      .addColumn('plan', types.text, (column) => column.notNull())
      .addColumn('image', types.text, (column) => column.notNull())
      .addColumn('blob', types.text, (column) => column.notNull())
      .addColumn('place', types.integer, (column) => column.notNull())
      .addPrimaryKeyConstraint('image_features_key', ['plan', 'image'])
      .execute();
  },
};
