import { eventType } from '#contract';
import type { Actor, GrantLevel, GuardedRecord, Team, TeamGrant, TeamInput, TeamMember } from '#contract';
import { GyreError } from '#core';
import type { Tx } from '#store';
import { findIdentity } from './access-store.ts';
import type { IdentityRow } from './access-store.ts';
import type { AccessDeps } from './port.ts';
import {
  deleteMember,
  deleteTeam,
  deleteTeamGrant,
  findTeam,
  findTeamGrant,
  insertMember,
  insertTeam,
  listTeams,
  putTeamGrant,
  teamGrantOf,
  updateTeam,
} from './teams-store.ts';
import type { TeamRow } from './teams-store.ts';

/** A team by its id or name; a member by the id or name of its identity. */
export type TeamRef = number | string;

/**
 * Teams: people who are granted things on records together. Whoever belongs to one has what it was granted, as if it was granted to them.
 * Who may call these is for the edge to say: each of the writes needs the permission `administer`.
 */
export interface Teams {
  /** By name, with grants and members. @param member only those that an identity belongs to */
  list(member?: string): Promise<readonly Team[]>;
  /** @throws GyreError NOT_FOUND */
  get(team: TeamRef): Promise<Team>;
  /** @throws GyreError ALREADY_EXISTS, INVALID_ARGUMENT for a name that is empty or only digits: these are ids */
  create(input: TeamInput, by: Actor): Promise<Team>;
  /** @throws GyreError NOT_FOUND, ALREADY_EXISTS, INVALID_ARGUMENT */
  change(team: TeamRef, change: Partial<TeamInput>, by: Actor): Promise<Team>;
  /** With what it was granted; its members keep their own grants. @throws GyreError NOT_FOUND */
  delete(team: TeamRef, by: Actor): Promise<void>;

  /**
   * Grants something to a team, over what was granted before. A record's name is trusted, as in `grants.give`.
   * @param how `new`: only where nothing was granted
   * @throws GyreError NOT_FOUND, ALREADY_EXISTS
   */
  give(team: TeamRef, input: GuardedRecord & { readonly level: GrantLevel }, by: Actor, how?: 'new'): Promise<TeamGrant>;
  /** By the grant's id. @throws GyreError NOT_FOUND */
  changeGrant(id: number, level: GrantLevel, by: Actor): Promise<TeamGrant>;
  /** By the grant's id, or by team and record. @throws GyreError NOT_FOUND */
  revoke(grant: number | ({ readonly team: TeamRef } & GuardedRecord), by: Actor): Promise<void>;

  /** @throws GyreError NOT_FOUND, ALREADY_EXISTS, FAILED_PRECONDITION for a disabled identity */
  join(team: TeamRef, identity: string, by: Actor): Promise<TeamMember>;
  /** @throws GyreError NOT_FOUND, also when it is no member */
  leave(team: TeamRef, identity: string, by: Actor): Promise<void>;
}

/**
 * @param get finds an identity by id or name
 * @param changed told after COMMIT of what changes somebody's rights
 */
export function openTeams(deps: AccessDeps, get: (idOrName: string) => Promise<IdentityRow>, changed: () => void): Teams {
  const { store, clock, events } = deps;

  const find = async (ref: TeamRef): Promise<TeamRow> => {
    const found = await store.read(async (db) => {
      if (typeof ref === 'string' && !isNumber.test(ref)) return findTeam(db, { name: ref });
      const id = Number(ref);
      return Number.isSafeInteger(id) ? findTeam(db, { id }) : undefined;
    });
    if (found === undefined) throw noTeam(ref);
    return found;
  };
  const shown = async (id: number): Promise<Team> => {
    const [team] = await store.read((db) => listTeams(db, { id }));
    if (team === undefined) throw noTeam(id);
    return team;
  };
  const requireFree = async (tx: Tx, name: string, own?: number): Promise<void> => {
    const other = await findTeam(tx, { name });
    if (other !== undefined && other.position !== own)
      throw new GyreError('ALREADY_EXISTS', `there is a team "${name}" already`, { team: name });
  };

  return {
    list: async (member) => {
      const id = member === undefined ? {} : { member: (await get(member)).id };
      return store.read((db) => listTeams(db, id));
    },
    get: async (ref) => shown((await find(ref)).position),

    async create({ name, description }, by) {
      requireName(name);
      const id = await store.write(
        async (tx, args) => {
          await tx.lock('teams');
          await requireFree(tx, args.name);
          const made = await insertTeam(tx, { name: args.name, description: args.description, created_at: args.now });
          const data = { id: made, name: args.name };
          events.publish(tx, { type: eventType('team.created'), subject: args.name, data, actor: args.by });
          return made;
        },
        { name, description: description ?? null, now: clock.now(), by: by.identity },
      );
      return shown(id);
    },

    async change(ref, { name, description }, by) {
      if (name !== undefined) requireName(name);
      const { position } = await find(ref);
      const change = { ...(name === undefined ? {} : { name }), ...(description === undefined ? {} : { description }) };
      if (Object.keys(change).length > 0)
        await store.write(
          async (tx, args) => {
            await tx.lock('teams');
            const before = await findTeam(tx, { id: args.position });
            if (before === undefined) throw noTeam(args.position);
            if (args.change.name !== undefined) await requireFree(tx, args.change.name, args.position);
            await updateTeam(tx, args.position, args.change);
            const now = args.change.name ?? before.name;
            const data = { id: args.position, name: now };
            events.publish(tx, { type: eventType('team.changed'), subject: now, data, actor: args.by });
          },
          { position, change, by: by.identity },
        );
      return shown(position);
    },

    async delete(ref, by) {
      const { position, name } = await find(ref);
      await store.write(
        async (tx, args) => {
          await tx.lock('teams');
          if ((await findTeam(tx, { id: args.position })) === undefined) throw noTeam(args.name);
          await deleteTeam(tx, args.position);
          const data = { id: args.position, name: args.name };
          events.publish(tx, { type: eventType('team.deleted'), subject: args.name, data, actor: args.by });
          tx.afterCommit(changed);
        },
        { position, name, by: by.identity },
      );
    },

    async give(ref, { kind, record, level }, by, how) {
      const { position: team, name } = await find(ref);
      return store.write(
        async (tx, args) => {
          await tx.lock('teams');
          if ((await findTeam(tx, { id: args.team })) === undefined) throw noTeam(args.name);
          const before = args.how === 'new' ? await findTeamGrant(tx, args) : undefined;
          if (before !== undefined) {
            throw new GyreError(
              'ALREADY_EXISTS',
              `the team "${args.name}" was granted ${before.level} on "${args.record}" already: change it, or revoke it first`,
              { team: args.name },
            );
          }
          const granted = { team: args.team, kind: args.kind, record: args.record, level: args.level };
          const id = await putTeamGrant(tx, granted);
          const data = { team: args.name, kind: args.kind, record: args.record, level: args.level };
          events.publish(tx, { type: eventType('team.granted'), subject: args.name, data, actor: args.by });
          tx.afterCommit(changed);
          return teamGrantOf({ position: id, ...granted });
        },
        { team, name, kind, record, level, how, by: by.identity },
      );
    },

    changeGrant: (id, level, by) =>
      store.write(
        async (tx, args) => {
          await tx.lock('teams');
          const before = await findTeamGrant(tx, { id: args.id });
          if (before === undefined) throw noGrant(args.id);
          const { team, kind, record } = before;
          const name = (await findTeam(tx, { id: team }))?.name ?? String(team);
          await putTeamGrant(tx, { team, kind, record, level: args.level });
          const data = { team: name, kind, record, level: args.level };
          events.publish(tx, { type: eventType('team.granted'), subject: name, data, actor: args.by });
          tx.afterCommit(changed);
          return teamGrantOf({ ...before, level: args.level });
        },
        { id, level, by: by.identity },
      ),

    async revoke(grant, by) {
      const where =
        typeof grant === 'number' ? { id: grant } : { kind: grant.kind, record: grant.record, team: (await find(grant.team)).position };
      await store.write(
        async (tx, args) => {
          await tx.lock('teams');
          const found = await findTeamGrant(tx, args.where);
          if (found === undefined) throw noGrant(args.what);
          const { position, team, kind, record } = found;
          const name = (await findTeam(tx, { id: team }))?.name ?? String(team);
          await deleteTeamGrant(tx, position);
          events.publish(tx, { type: eventType('team.revoked'), subject: name, data: { team: name, kind, record }, actor: args.by });
          tx.afterCommit(changed);
        },
        { where, what: typeof grant === 'number' ? grant : grant.record, by: by.identity },
      );
    },

    async join(ref, idOrName, by) {
      const { position: team, name } = await find(ref);
      const identity = await get(idOrName);
      return store.write(
        async (tx, args) => {
          await tx.lock('teams');
          if ((await findTeam(tx, { id: args.team })) === undefined) throw noTeam(args.name);
          if ((await findIdentity(tx, { id: args.identity }))?.disabled === true)
            throw new GyreError('FAILED_PRECONDITION', `"${args.who}" is disabled and belongs to no team`, { identity: args.identity });
          const id = await insertMember(tx, { team: args.team, identity: args.identity });
          if (id === undefined)
            throw new GyreError('ALREADY_EXISTS', `"${args.who}" belongs to the team "${args.name}" already`, { team: args.name });
          const data = { team: args.name, identity: args.identity };
          events.publish(tx, { type: eventType('team.joined'), subject: args.name, data, actor: args.by });
          tx.afterCommit(changed);
          return { id, team: args.team, identity: args.identity, identityName: args.who };
        },
        { team, name, identity: identity.id, who: identity.name, by: by.identity },
      );
    },

    async leave(ref, idOrName, by) {
      const { position: team, name } = await find(ref);
      const identity = await get(idOrName);
      await store.write(
        async (tx, args) => {
          if (!(await deleteMember(tx, args.team, args.identity)))
            throw new GyreError('NOT_FOUND', `"${args.who}" does not belong to the team "${args.name}"`, { team: args.name });
          const data = { team: args.name, identity: args.identity };
          events.publish(tx, { type: eventType('team.left'), subject: args.name, data, actor: args.by });
          tx.afterCommit(changed);
        },
        { team, name, identity: identity.id, who: identity.name, by: by.identity },
      );
    },
  };
}

const isNumber = /^\d+$/;

function requireName(name: string): void {
  if (name.trim() === '') throw new GyreError('INVALID_ARGUMENT', 'a team needs a name');
  if (isNumber.test(name)) throw new GyreError('INVALID_ARGUMENT', `a team needs a name that is more than a number: "${name}" is none`);
}

function noTeam(ref: TeamRef): GyreError {
  return new GyreError('NOT_FOUND', `there is no team "${String(ref).slice(0, 200)}"`, { team: ref });
}

function noGrant(what: number | string): GyreError {
  return new GyreError('NOT_FOUND', `nothing was granted to the team on "${String(what).slice(0, 200)}"`);
}
