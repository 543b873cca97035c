import type { Migration } from '#store';

export const imageFiles: Migration = {
  id: '0006-image-files',
  async up({ schema, types }) {
    await schema
      .createTable('dataset_image_files')
      .addColumn('folder', types.text, (column) => column.notNull())
      .addColumn('path', types.text, (column) => column.notNull())
      .addColumn('size', types.integer, (column) => column.notNull())
      .addColumn('stamp', types.text, (column) => column.notNull())
      .addColumn('sha256', types.text, (column) => column.notNull())
      .addColumn('md5', types.text, (column) => column.notNull())
      .addColumn('facts_by', types.text, (column) => column.notNull())
      .addColumn('facts', types.json, (column) => column.notNull())
      .addPrimaryKeyConstraint('dataset_image_files_key', ['folder', 'path'])
      .execute();
    await schema
      .createTable('dataset_image_thumbnails')
      .addColumn('sha256', types.text, (column) => column.notNull())
      .addColumn('size', types.integer, (column) => column.notNull())
      .addColumn('made_by', types.text, (column) => column.notNull())
      .addColumn('thumbnail', types.text, (column) => column.notNull())
      .addPrimaryKeyConstraint('dataset_image_thumbnails_key', ['sha256', 'size', 'made_by'])
      .execute();
  },
};
