import type { Migration } from '#store';

export const outbox: Migration = {
  id: '0001-outbox',
  async up({ schema, types }) {
    await schema
      .createTable('events')
      .addColumn('position', types.sequenceKey)
      .addColumn('id', types.text, (column) => column.notNull().unique())
      .addColumn('type', types.text, (column) => column.notNull())
      .addColumn('subject', types.text, (column) => column.notNull())
      .addColumn('time', types.instant, (column) => column.notNull())
      .addColumn('source', types.text, (column) => column.notNull())
      .addColumn('actor', types.text, (column) => column.notNull())
      .addColumn('reason', types.text)
      .addColumn('project', types.text)
      .addColumn('traceparent', types.text)
      .addColumn('causation_id', types.text)
      .addColumn('data', types.json, (column) => column.notNull())
      .execute();
    await schema.createIndex('events_by_subject').on('events').columns(['subject', 'position']).execute();
    await schema.createIndex('events_by_type').on('events').columns(['type', 'position']).execute();
    await schema
      .createTable('event_cursors')
      .addColumn('subscriber', types.text, (column) => column.primaryKey())
      .addColumn('position', types.integer, (column) => column.notNull())
      .execute();
    await schema
      .createTable('event_parked')
      .addColumn('subscriber', types.text, (column) => column.notNull())
      .addColumn('position', types.integer, (column) => column.notNull())
      .addColumn('event_id', types.text, (column) => column.notNull())
      .addColumn('type', types.text, (column) => column.notNull())
      .addColumn('tries', types.integer, (column) => column.notNull())
      .addColumn('error', types.text, (column) => column.notNull())
      .addColumn('parked_at', types.instant, (column) => column.notNull())
      .addPrimaryKeyConstraint('event_parked_key', ['subscriber', 'position'])
      .execute();
  },
};
