import type { Migration } from '#store';

export const mail: Migration = {
  id: '0001-mail',
  async up({ schema, types }) {
    await schema
      .createTable('mail_addresses')
      .addColumn('identity', types.text, (column) => column.primaryKey())
      .addColumn('address', types.text, (column) => column.notNull())
      .addColumn('topics', types.json, (column) => column.notNull())
      .addColumn('changed_at', types.instant, (column) => column.notNull())
      .execute();
    await schema
      .createTable('mails')
      .addColumn('position', types.sequenceKey)
      .addColumn('id', types.text, (column) => column.notNull().unique())
      .addColumn('identity', types.text, (column) => column.notNull())
      .addColumn('state', types.text, (column) => column.notNull())
      .addColumn('due_at', types.instant)
      .addColumn('ended_at', types.instant)
      .addColumn('tries', types.integer, (column) => column.notNull())
      .addColumn('record', types.json, (column) => column.notNull())
      .execute();
    await schema.createIndex('mails_by_due').on('mails').columns(['state', 'due_at']).execute();
  },
};
