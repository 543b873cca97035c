import type { Migration } from '#store';

/** What people say about runs, and whom they mention. */
export const comments: Migration = {
  id: '0008-comments',
  async up({ schema, types }) {
    await schema
      .createTable('run_comments')
      .addColumn('position', types.sequenceKey)
      .addColumn('id', types.text, (column) => column.notNull().unique())
      .addColumn('run', types.integer, (column) => column.notNull())
      .addColumn('text', types.text, (column) => column.notNull())
      .addColumn('created_at', types.instant, (column) => column.notNull())
      .addColumn('edited_at', types.instant)
      .addColumn('created_by', types.json, (column) => column.notNull())
      .execute();
    await schema.createIndex('run_comments_by_run').on('run_comments').columns(['run', 'position']).execute();
    await schema
      .createTable('comment_mentions')
      .addColumn('identity', types.text, (column) => column.notNull())
      .addColumn('comment', types.integer, (column) => column.notNull())
      .addColumn('run', types.integer, (column) => column.notNull())
      .addColumn('name', types.text, (column) => column.notNull())
      .addColumn('seen_at', types.instant)
      .addPrimaryKeyConstraint('comment_mentions_key', ['identity', 'comment'])
      .execute();
    await schema.createIndex('comment_mentions_by_comment').on('comment_mentions').columns(['comment']).execute();
    await schema.createIndex('comment_mentions_by_run').on('comment_mentions').columns(['run']).execute();
  },
};
