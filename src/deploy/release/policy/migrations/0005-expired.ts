import type { Migration } from '#store';

export const expired: Migration = {
  id: '0005-expired',
  async up({ schema, types }) {
    await schema
      .createTable('expired_sign_offs')
      .addColumn('sign_offs', types.text, (column) => column.primaryKey())
      .addColumn('told_at', types.instant, (column) => column.notNull())
      .execute();
  },
};
