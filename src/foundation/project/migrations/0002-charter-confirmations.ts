import type { Migration } from '#store';

export const charterConfirmations: Migration = {
  id: '0002-charter-confirmations',
  async up({ schema, types, appendOnly }) {
    await schema
      .createTable('charter_confirmations')
      .addColumn('position', types.sequenceKey)
      .addColumn('project', types.text, (column) => column.notNull())
      .addColumn('charter', types.text, (column) => column.notNull())
      .addColumn('data', types.json, (column) => column.notNull())
      .addColumn('confirmed_by', types.json, (column) => column.notNull())
      .addColumn('comment', types.text)
      .addColumn('confirmed_at', types.instant, (column) => column.notNull())
      .execute();
    await appendOnly('charter_confirmations');
  },
};
