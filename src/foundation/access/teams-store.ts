import type { GrantLevel, GuardedKind, GuardedRecord, Team, TeamGrant, TeamMember } from '#contract';
import { isoInstant } from '#core';
import type { Db, Tx } from '#store';
import type { IdentityRow } from './access-store.ts';

export interface TeamRow {
  /** Its id: counted up, because MLflow's clients want a number. */
  position: number;
  name: string;
  description: string | null;
  created_at: number;
}

export interface TeamGrantRow {
  position: number;
  team: number;
  kind: GuardedKind;
  record: string;
  level: GrantLevel;
}

interface MemberRow {
  position: number;
  team: number;
  identity: string;
}

interface Tables {
  teams: Omit<TeamRow, 'position'> & { position?: number };
  team_grants: Omit<TeamGrantRow, 'position'> & { position?: number };
  team_members: Omit<MemberRow, 'position'> & { position?: number };
  identities: Pick<IdentityRow, 'id' | 'name'>;
}

const from = (db: Db): ReturnType<typeof db.tables<Tables>> => db.tables<Tables>();

const grantColumns = ['team_grants.position', 'team_grants.team', 'team_grants.kind', 'team_grants.record', 'team_grants.level'] as const;

export function teamGrantOf({ position, team, kind, record, level }: TeamGrantRow): TeamGrant {
  return { id: position, team, kind, record, level };
}

export async function findTeam(db: Db, by: { readonly id: number } | { readonly name: string }): Promise<TeamRow | undefined> {
  const query = from(db).selectFrom('teams').select(['position', 'name', 'description', 'created_at']);
  const found = await ('id' in by ? query.where('position', '=', by.id) : query.where('name', '=', by.name)).executeTakeFirst();
  return found && { ...found, position: Number(found.position) };
}

/** Teams by name, with what they are granted and who belongs to them. @param where.member only those that an identity belongs to */
export async function listTeams(db: Db, where: { readonly id?: number; readonly member?: string } = {}): Promise<Team[]> {
  let query = from(db).selectFrom('teams').select(['position', 'name', 'description', 'created_at']).orderBy('name');
  if (where.id !== undefined) query = query.where('position', '=', where.id);
  if (where.member !== undefined) {
    const { member } = where;
    query = query.where((on) =>
      on('position', 'in', on.selectFrom('team_members').select('team_members.team').where('team_members.identity', '=', member)),
    );
  }
  const rows = await query.execute();
  const ids = rows.map(({ position }) => Number(position));
  if (ids.length === 0) return [];
  const grants = await from(db).selectFrom('team_grants').select(grantColumns).where('team', 'in', ids).orderBy('position').execute();
  const members = await from(db)
    .selectFrom('team_members')
    .innerJoin('identities', 'identities.id', 'team_members.identity')
    .select(['team_members.position', 'team_members.team', 'team_members.identity', 'identities.name'])
    .where('team', 'in', ids)
    .orderBy('identities.name')
    .execute();
  const ofTeam = <Row extends { readonly team: number }>(all: readonly Row[], team: number): readonly Row[] =>
    all.filter((row) => row.team === team);
  return rows.map(({ position, name, description, created_at }): Team => {
    const id = Number(position);
    return {
      id,
      name,
      ...(description === null ? {} : { description }),
      createdAt: isoInstant(created_at),
      grants: ofTeam(grants, id).map((row) => teamGrantOf({ ...row, position: Number(row.position) })),
      members: ofTeam(members, id).map((row): TeamMember => ({
        id: Number(row.position),
        team: id,
        identity: row.identity,
        identityName: row.name,
      })),
    };
  });
}

export async function insertTeam(tx: Tx, row: Omit<TeamRow, 'position'>): Promise<number> {
  const { position } = await from(tx).insertInto('teams').values(row).returning('position').executeTakeFirstOrThrow();
  return Number(position);
}

export async function updateTeam(tx: Tx, id: number, change: Partial<Pick<TeamRow, 'name' | 'description'>>): Promise<void> {
  await from(tx).updateTable('teams').set(change).where('position', '=', id).execute();
}

/** With its grants and members. */
export async function deleteTeam(tx: Tx, id: number): Promise<void> {
  await from(tx).deleteFrom('team_grants').where('team', '=', id).execute();
  await from(tx).deleteFrom('team_members').where('team', '=', id).execute();
  await from(tx).deleteFrom('teams').where('position', '=', id).execute();
}

/** What the teams of an identity are granted. */
export function teamGrantsOf(db: Db, identity: string): Promise<Pick<TeamGrantRow, 'kind' | 'record' | 'level'>[]> {
  return from(db)
    .selectFrom('team_grants')
    .innerJoin('team_members', 'team_members.team', 'team_grants.team')
    .select(['team_grants.kind', 'team_grants.record', 'team_grants.level'])
    .where('team_members.identity', '=', identity)
    .execute();
}

export async function findTeamGrant(
  db: Db,
  by: { readonly id: number } | ({ readonly team: number } & GuardedRecord),
): Promise<TeamGrantRow | undefined> {
  const query = from(db).selectFrom('team_grants').select(grantColumns);
  const found = await (
    'id' in by
      ? query.where('position', '=', by.id)
      : query.where('team', '=', by.team).where('kind', '=', by.kind).where('record', '=', by.record)
  ).executeTakeFirst();
  return found && { ...found, position: Number(found.position) };
}

/** Writes a grant, over what was granted before. @returns its id */
export async function putTeamGrant(tx: Tx, row: Omit<TeamGrantRow, 'position'>): Promise<number> {
  const { position } = await from(tx)
    .insertInto('team_grants')
    .values(row)
    .onConflict((conflict) => conflict.columns(['team', 'kind', 'record']).doUpdateSet({ level: row.level }))
    .returning('position')
    .executeTakeFirstOrThrow();
  return Number(position);
}

export async function deleteTeamGrant(tx: Tx, id: number): Promise<void> {
  await from(tx).deleteFrom('team_grants').where('position', '=', id).execute();
}

/** @returns whether there were any */
export async function deleteTeamGrantsOn(tx: Tx, { kind, record }: GuardedRecord): Promise<boolean> {
  const [result] = await from(tx).deleteFrom('team_grants').where('kind', '=', kind).where('record', '=', record).execute();
  return result.numDeletedRows > 0n;
}

/** Moves the grants on a record to its new name. */
export async function moveTeamGrantsTo(tx: Tx, { kind, record }: GuardedRecord, name: string): Promise<void> {
  await deleteTeamGrantsOn(tx, { kind, record: name });
  await from(tx).updateTable('team_grants').set({ record: name }).where('kind', '=', kind).where('record', '=', record).execute();
}

/** @returns the id of the membership; undefined when it is one already */
export async function insertMember(tx: Tx, row: Omit<MemberRow, 'position'>): Promise<number | undefined> {
  const made = await from(tx)
    .insertInto('team_members')
    .values(row)
    .onConflict((conflict) => conflict.columns(['team', 'identity']).doNothing())
    .returning('position')
    .executeTakeFirst();
  return made && Number(made.position);
}

/** @returns whether it was one */
export async function deleteMember(tx: Tx, team: number, identity: string): Promise<boolean> {
  const [result] = await from(tx).deleteFrom('team_members').where('team', '=', team).where('identity', '=', identity).execute();
  return result.numDeletedRows > 0n;
}

export async function deleteMembershipsOf(tx: Tx, identity: string): Promise<void> {
  await from(tx).deleteFrom('team_members').where('identity', '=', identity).execute();
}
