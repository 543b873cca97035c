import type { Migration } from '#store';

export const schedules: Migration = {
  id: '0003-schedules',
  async up({ schema, types }) {
    await schema
      .createTable('schedules')
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
      .addPrimaryKeyConstraint('schedules_key', ['project', 'name'])
      .execute();
  },
};
