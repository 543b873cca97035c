import type { Migration } from '#store';

export const transforms: Migration = {
  id: '0001-transforms',
  async up({ schema, types }) {
    await schema
      .createTable('transforms')
      .addColumn('position', types.sequenceKey)
      .addColumn('id', types.text, (column) => column.notNull().unique())
      .addColumn('digest', types.text, (column) => column.notNull().unique())
      .addColumn('name', types.text, (column) => column.notNull())
      .addColumn('fitted_on', types.text, (column) => column.notNull())
      .addColumn('created_at', types.instant, (column) => column.notNull())
      .addColumn('record', types.json, (column) => column.notNull())
      .execute();
    await schema.createIndex('transforms_by_name').on('transforms').columns(['name', 'position']).execute();
    await schema.createIndex('transforms_by_dataset').on('transforms').columns(['fitted_on', 'position']).execute();
  },
};
