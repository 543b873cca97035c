import type { Migration } from '#store';

export const lfs: Migration = {
  id: '0008-lfs',
  async up({ schema, types }) {
    await schema
      .createTable('lfs_objects')
      .addColumn('repository', types.text, (column) => column.notNull())
      .addColumn('oid', types.text, (column) => column.notNull())
      .addColumn('size', types.integer, (column) => column.notNull())
      .addColumn('stored_at', types.instant, (column) => column.notNull())
      .addColumn('stored_by', types.json, (column) => column.notNull())
      .addPrimaryKeyConstraint('lfs_objects_key', ['repository', 'oid'])
      .execute();
    await schema.createIndex('lfs_objects_by_oid').on('lfs_objects').columns(['oid']).execute();
    await schema
      .createTable('lfs_locks')
      .addColumn('position', types.sequenceKey)
      .addColumn('id', types.text, (column) => column.notNull().unique())
      .addColumn('repository', types.text, (column) => column.notNull())
      .addColumn('path', types.text, (column) => column.notNull())
      .addColumn('locked_at', types.instant, (column) => column.notNull())
      .addColumn('owner', types.json, (column) => column.notNull())
      .addUniqueConstraint('lfs_locks_path', ['repository', 'path'])
      .execute();
  },
};
