import type { Migration } from '#store';

export const access: Migration = {
  id: '0001-access',
  async up({ schema, types }) {
    await schema
      .createTable('identities')
      .addColumn('id', types.text, (column) => column.primaryKey())
      .addColumn('name', types.text, (column) => column.notNull().unique())
      .addColumn('roles', types.json, (column) => column.notNull())
      .addColumn('simulated', types.boolean, (column) => column.notNull())
      .addColumn('disabled', types.boolean, (column) => column.notNull())
      .addColumn('owner', types.boolean, (column) => column.notNull())
      .addColumn('password', types.text)
      .addColumn('created_at', types.instant, (column) => column.notNull())
      .execute();
    await schema
      .createTable('tokens')
      .addColumn('id', types.text, (column) => column.primaryKey())
      .addColumn('identity', types.text, (column) => column.notNull().references('identities.id'))
      .addColumn('label', types.text, (column) => column.notNull())
      .addColumn('hash', types.text, (column) => column.notNull().unique())
      .addColumn('created_at', types.instant, (column) => column.notNull())
      .addColumn('expires_at', types.instant)
      .addColumn('revoked_at', types.instant)
      .execute();
    await schema.createIndex('tokens_by_identity').on('tokens').columns(['identity', 'created_at']).execute();
    await schema
      .createTable('browser_secrets')
      .addColumn('hash', types.text, (column) => column.primaryKey())
      .addColumn('kind', types.text, (column) => column.notNull())
      .addColumn('identity', types.text, (column) => column.notNull().references('identities.id'))
      .addColumn('created_at', types.instant, (column) => column.notNull())
      .addColumn('expires_at', types.instant, (column) => column.notNull())
      .execute();
    await schema.createIndex('browser_secrets_by_expiry').on('browser_secrets').columns(['expires_at']).execute();
    await schema
      .createTable('login_attempts')
      .addColumn('account', types.text, (column) => column.primaryKey())
      .addColumn('failures', types.integer, (column) => column.notNull())
      .addColumn('locked_until', types.instant, (column) => column.notNull())
      .execute();
  },
};
