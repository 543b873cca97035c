import type { Migration } from '#store';

export const teams: Migration = {
  id: '0003-teams',
  async up({ schema, types }) {
    await schema
      .createTable('teams')
      .addColumn('position', types.sequenceKey)
      .addColumn('name', types.text, (column) => column.notNull().unique())
      .addColumn('description', types.text)
      .addColumn('created_at', types.instant, (column) => column.notNull())
      .execute();
    await schema
      .createTable('team_grants')
      .addColumn('position', types.sequenceKey)
      .addColumn('team', types.integer, (column) => column.notNull().references('teams.position'))
      .addColumn('kind', types.text, (column) => column.notNull())
      .addColumn('record', types.text, (column) => column.notNull())
      .addColumn('level', types.text, (column) => column.notNull())
      .addUniqueConstraint('team_grants_key', ['team', 'kind', 'record'])
      .execute();
    await schema.createIndex('team_grants_by_record').on('team_grants').columns(['kind', 'record']).execute();
    await schema
      .createTable('team_members')
      .addColumn('position', types.sequenceKey)
      .addColumn('team', types.integer, (column) => column.notNull().references('teams.position'))
      .addColumn('identity', types.text, (column) => column.notNull().references('identities.id'))
      .addUniqueConstraint('team_members_key', ['team', 'identity'])
      .execute();
    await schema.createIndex('team_members_by_identity').on('team_members').columns(['identity']).execute();
  },
};
