import type { Migration } from '#store';

export const imports: Migration = {
  id: '0001-imports',
  async up({ schema, types }) {
    await schema
      .createTable('record_imports')
      .addColumn('position', types.sequenceKey)
      .addColumn('id', types.text, (column) => column.notNull().unique())
      .addColumn('kind', types.text, (column) => column.notNull())
      .addColumn('source', types.text, (column) => column.notNull())
      .addColumn('state', types.text, (column) => column.notNull())
      .addColumn('counts', types.json, (column) => column.notNull())
      .addColumn('refusals', types.json, (column) => column.notNull())
      .addColumn('error', types.text)
      .addColumn('started_at', types.instant, (column) => column.notNull())
      .addColumn('finished_at', types.instant)
      .addColumn('started_by', types.json, (column) => column.notNull())
      .execute();
    await schema
      .createTable('imported_records')
      .addColumn('source', types.text, (column) => column.notNull())
      .addColumn('what', types.text, (column) => column.notNull())
      .addColumn('record', types.text, (column) => column.notNull())
      // What the record was when it was brought in whole: another one at the source is read again.
      .addColumn('state', types.text, (column) => column.notNull())
      .addPrimaryKeyConstraint('imported_records_key', ['source', 'what', 'record'])
      .execute();
  },
};
