import type { Migration } from '#store';

/** Who is told of the registry's events by HTTP, and what is on its way to them. */
export const webhooks: Migration = {
  id: '0003-webhooks',
  async up({ schema, types }) {
    await schema
      .createTable('webhooks')
      .addColumn('position', types.sequenceKey)
      .addColumn('id', types.text, (column) => column.notNull().unique())
      .addColumn('name', types.text, (column) => column.notNull())
      .addColumn('description', types.text)
      .addColumn('url', types.text, (column) => column.notNull())
      .addColumn('topics', types.json, (column) => column.notNull())
      .addColumn('sealed_secret', types.text)
      .addColumn('active', types.boolean, (column) => column.notNull())
      .addColumn('created_at', types.instant, (column) => column.notNull())
      .addColumn('updated_at', types.instant, (column) => column.notNull())
      .addColumn('created_by', types.json, (column) => column.notNull())
      .execute();
    await schema
      .createTable('webhook_deliveries')
      .addColumn('position', types.sequenceKey)
      .addColumn('id', types.text, (column) => column.notNull().unique())
      .addColumn('webhook', types.text, (column) => column.notNull())
      .addColumn('topic', types.text, (column) => column.notNull())
      .addColumn('body', types.text, (column) => column.notNull())
      .addColumn('tries', types.integer, (column) => column.notNull())
      .addColumn('due_at', types.instant)
      .addColumn('state', types.text, (column) => column.notNull())
      .addColumn('status', types.integer)
      .addColumn('error', types.text)
      .addColumn('created_at', types.instant, (column) => column.notNull())
      .addColumn('ended_at', types.instant)
      .execute();
    await schema.createIndex('webhook_deliveries_due').on('webhook_deliveries').columns(['state', 'due_at']).execute();
    await schema.createIndex('webhook_deliveries_of').on('webhook_deliveries').columns(['webhook', 'position']).execute();
  },
};
