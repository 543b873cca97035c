import type { Migration } from '#store';

export const ingestions: Migration = {
  id: '0009-ingestions',
  async up({ schema, types }) {
    await schema
      .createTable('dataset_ingestions')
      .addColumn('position', types.sequenceKey)
      .addColumn('id', types.text, (column) => column.notNull().unique())
      .addColumn('dataset', types.text, (column) => column.notNull())
      // the digest of the source's address and of how it is read
      .addColumn('reading', types.text, (column) => column.notNull())
      .addColumn('outcome', types.text, (column) => column.notNull())
      // what tells that the source stands as it stood; empty where nothing does
      .addColumn('stamp', types.text, (column) => column.notNull())
      .addColumn('ingestion', types.json, (column) => column.notNull())
      .execute();
    await schema.createIndex('dataset_ingestions_by_dataset').on('dataset_ingestions').columns(['dataset', 'reading']).execute();
  },
};
