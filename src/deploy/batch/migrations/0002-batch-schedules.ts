import type { Migration } from '#store';

/** Batch predictions by the clock: who set what, and which prediction a schedule began for which instant. */
export const batchSchedules: Migration = {
  id: '0002-batch-schedules',
  async up({ schema, types }) {
    await schema
      .createTable('batch_schedules')
      .addColumn('project', types.text, (column) => column.notNull())
      .addColumn('name', types.text, (column) => column.notNull())
      .addColumn('definition', types.json, (column) => column.notNull())
      .addColumn('set_by', types.json, (column) => column.notNull())
      .addColumn('set_at', types.instant, (column) => column.notNull())
      .addPrimaryKeyConstraint('batch_schedules_key', ['project', 'name'])
      .execute();
    await schema.alterTable('batch_predictions').addColumn('schedule', types.text).execute();
    await schema.alterTable('batch_predictions').addColumn('due', types.text).execute();
    await schema.createIndex('batch_predictions_by_schedule').on('batch_predictions').columns(['schedule', 'due']).execute();
  },
};
