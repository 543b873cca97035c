import type { Migration } from '#store';

export const stepItems: Migration = {
  id: '0002-step-items',
  async up({ schema, types }) {
    await schema
      .createTable('step_item_generations')
      .addColumn('step_run', types.text, (column) => column.primaryKey())
      .addColumn('scope', types.text, (column) => column.notNull())
      .addColumn('generation', types.integer, (column) => column.notNull())
      .addUniqueConstraint('step_item_generations_once', ['scope', 'generation'])
      .execute();
    // A row holds from its generation on until the one that ended it: what did not change costs a run nothing.
    await schema
      .createTable('step_items')
      .addColumn('scope', types.text, (column) => column.notNull())
      .addColumn('item', types.text, (column) => column.notNull())
      .addColumn('since', types.integer, (column) => column.notNull())
      .addColumn('until', types.integer)
      .addColumn('state', types.text, (column) => column.notNull())
      .addColumn('cache_key', types.text, (column) => column.notNull())
      .addColumn('inputs', types.json, (column) => column.notNull())
      .addColumn('outputs', types.json, (column) => column.notNull())
      .addColumn('step_run', types.text, (column) => column.notNull())
      .addColumn('tries', types.integer, (column) => column.notNull())
      .addColumn('error', types.text)
      .addColumn('log', types.json, (column) => column.notNull())
      .addColumn('ended_at', types.instant, (column) => column.notNull())
      .addPrimaryKeyConstraint('step_items_key', ['scope', 'item', 'since'])
      .execute();
    await schema.createIndex('step_items_open').on('step_items').columns(['scope', 'until', 'item']).execute();
    await schema.createIndex('step_items_by_state').on('step_items').columns(['scope', 'state', 'since', 'item']).execute();
  },
};
