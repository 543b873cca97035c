import type { Migration } from '#store';

interface Row {
  readonly project: string;
  readonly name: string;
  readonly definition: string;
  readonly paused: boolean;
  readonly due_at: number | null;
  readonly claimed_by: string | null;
  readonly claimed_at: number | null;
  readonly last_due: number | null;
  readonly last_run: string | null;
  readonly missed: number;
  readonly error: string | null;
}
interface Tables {
  schedules: Row;
  schedules_next: Row & { readonly kind: string };
}

/** More than ingestion goes by the clock: a dataset and a batch prediction may have schedules of the same name. */
export const scheduleKinds: Migration = {
  id: '0004-schedule-kinds',
  async up(tx) {
    const { schema, types } = tx;
    await schema
      .createTable('schedules_next')
      .addColumn('kind', types.text, (column) => column.notNull())
      .addColumn('project', types.text, (column) => column.notNull())
      .addColumn('name', types.text, (column) => column.notNull())
      .addColumn('definition', types.text, (column) => column.notNull())
      .addColumn('paused', types.boolean, (column) => column.notNull())
      .addColumn('due_at', types.instant)
      .addColumn('claimed_by', types.text)
      .addColumn('claimed_at', types.instant)
      .addColumn('last_due', types.instant)
      .addColumn('last_run', types.text)
      .addColumn('missed', types.integer, (column) => column.notNull())
      .addColumn('error', types.text)
      .addPrimaryKeyConstraint('schedules_of_kinds_key', ['kind', 'project', 'name'])
      .execute();
    const tables = tx.tables<Tables>();
    const rows = await tables.selectFrom('schedules').selectAll().execute();
    for (const row of rows)
      await tables
        .insertInto('schedules_next')
        .values({ ...row, kind: 'ingestion' })
        .execute();
    await schema.dropTable('schedules').execute();
    await schema.alterTable('schedules_next').renameTo('schedules').execute();
  },
};
