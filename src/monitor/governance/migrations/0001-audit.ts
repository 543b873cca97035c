import type { Migration } from '#store';

export const audit: Migration = {
  id: '0001-audit',
  async up({ schema, types, appendOnly }) {
    await schema
      .createTable('audit_entries')
      .addColumn('position', types.integer, (column) => column.primaryKey())
      .addColumn('subject', types.text, (column) => column.notNull())
      .addColumn('hash', types.text, (column) => column.notNull())
      .addColumn('entry', types.json, (column) => column.notNull())
      .execute();
    await schema.createIndex('audit_entries_by_subject').on('audit_entries').columns(['subject', 'position']).execute();
    await appendOnly('audit_entries');
    // Where the log ends, kept apart from it: a log that was cut off at its end shows it.
    await schema
      .createTable('audit_head')
      .addColumn('one', types.integer, (column) => column.primaryKey())
      .addColumn('position', types.integer, (column) => column.notNull())
      .addColumn('hash', types.text, (column) => column.notNull())
      .addColumn('entries', types.integer, (column) => column.notNull())
      .execute();
  },
};
