import type { Migration } from '#store';

/** What the migration reads of tables that another set made. */
interface Earlier {
  certifications: { id: string };
  approvals: { id: string };
  unsigned_decisions: { id: string };
}

export const revocations: Migration = {
  id: '0001-revocations',
  async up(tx) {
    const { schema, types } = tx;
    await schema
      .createTable('revocations')
      .addColumn('id', types.text, (column) => column.primaryKey())
      .addColumn('model_version', types.text, (column) => column.notNull())
      .addColumn('package', types.text, (column) => column.notNull())
      .addColumn('revoked_at', types.instant, (column) => column.notNull())
      .addColumn('record', types.json, (column) => column.notNull())
      .execute();
    await schema.createIndex('revocations_by_package').on('revocations').columns(['package']).execute();
    await schema
      .createTable('unsigned_decisions')
      .addColumn('id', types.text, (column) => column.primaryKey())
      .execute();
    // From here on every decision is signed: these are the only ones that count without.
    const db = tx.tables<Earlier>();
    for (const table of ['certifications', 'approvals'] as const) {
      await db.insertInto('unsigned_decisions').columns(['id']).expression(db.selectFrom(table).select('id')).execute();
    }
  },
};
