import type { Migration } from '#store';

/** Long metrics summed up stretch by stretch, so that a figure of many runs need not read every point. */
export const outlines: Migration = {
  id: '0006-outlines',
  async up({ schema, types }) {
    await schema
      .createTable('metric_outlines')
      .addColumn('run', types.integer, (column) => column.notNull())
      .addColumn('name', types.integer, (column) => column.notNull())
      .addColumn('width', types.integer, (column) => column.notNull())
      .addColumn('until_step', types.integer, (column) => column.notNull())
      .addColumn('stretches', types.blob, (column) => column.notNull())
      .addPrimaryKeyConstraint('metric_outlines_key', ['run', 'name'])
      .execute();
  },
};
