import type { Migration } from '#store';

/** Runs that are gone for good, while the rest of their points is still being cleared away. */
export const erasedRuns: Migration = {
  id: '0005-erased-runs',
  async up({ schema, types }) {
    await schema
      .createTable('erased_runs')
      .addColumn('position', types.integer, (column) => column.primaryKey())
      .execute();
  },
};
