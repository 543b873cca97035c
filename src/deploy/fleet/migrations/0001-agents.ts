import type { Migration } from '#store';

export const agents: Migration = {
  id: '0001-agents',
  async up({ schema, types }) {
    await schema
      .createTable('agents')
      .addColumn('id', types.text, (column) => column.primaryKey())
      .addColumn('name', types.text, (column) => column.notNull().unique())
      .addColumn('environment', types.text, (column) => column.notNull())
      .addColumn('identity', types.text, (column) => column.notNull().unique())
      .addColumn('enrolled_at', types.instant, (column) => column.notNull())
      .addColumn('enrolled_by', types.json, (column) => column.notNull())
      .addColumn('revoked_at', types.instant)
      .addColumn('last_seen_at', types.instant)
      .addColumn('state', types.text, (column) => column.notNull())
      .addColumn('why', types.text)
      .addColumn('report', types.json)
      .execute();
    await schema.createIndex('agents_by_environment').on('agents').columns(['environment', 'name']).execute();
    await schema
      .createTable('agent_changes')
      .addColumn('id', types.text, (column) => column.primaryKey())
      .addColumn('agent', types.text, (column) => column.notNull())
      .addColumn('number', types.integer, (column) => column.notNull())
      .addColumn('record', types.json, (column) => column.notNull())
      .execute();
    await schema.createIndex('agent_changes_by_agent').on('agent_changes').columns(['agent', 'number']).unique().execute();
    await schema
      .createTable('desired_states')
      .addColumn('environment', types.text, (column) => column.primaryKey())
      .addColumn('revision', types.integer, (column) => column.notNull())
      .addColumn('record', types.json, (column) => column.notNull())
      .execute();
  },
};
