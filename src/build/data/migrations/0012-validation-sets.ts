import type { Migration } from '#store';

export const validationSets: Migration = {
  id: '0012-validation-sets',
  async up({ schema, types }) {
    await schema
      .createTable('dataset_split_borders')
      .addColumn('definition', types.text, (column) => column.primaryKey())
      .addColumn('borders', types.json, (column) => column.notNull())
      .execute();
    await schema
      .createTable('dataset_split_reports')
      .addColumn('split', types.text, (column) => column.primaryKey())
      .addColumn('report', types.json, (column) => column.notNull())
      .execute();
  },
};
