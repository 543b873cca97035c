import type { Migration } from '#store';

export const wanted: Migration = {
  id: '0004-wanted',
  async up({ schema, types }) {
    await schema
      .createTable('wanted_sign_offs')
      .addColumn('key', types.text, (column) => column.primaryKey())
      .addColumn('wanted_at', types.instant, (column) => column.notNull())
      .execute();
  },
};
