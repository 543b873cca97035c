import { eventType } from '#contract';
import type { Actor, DefaultLevel, Grant, GrantInput, GrantLevel, GuardedKind, GuardedRecord } from '#contract';
import { GyreError } from '#core';
import type { Db, Tx } from '#store';
import { findIdentity } from './access-store.ts';
import type { IdentityRow } from './access-store.ts';
import { deleteGrant, deleteGrantsOn, findGrant, grantOf, grantsOf, listGrants, moveGrantsTo, putGrant } from './grants-store.ts';
import type { GrantRow } from './grants-store.ts';
import type { Principal } from './permissions.ts';
import type { AccessDeps } from './port.ts';
import { remember } from './remembered.ts';
import { everyRecord, rightsOf } from './rights.ts';
import type { OpenedRights, Rights } from './rights.ts';
import { deleteTeamGrantsOn, moveTeamGrantsTo, teamGrantsOf } from './teams-store.ts';

/** Another process on the same database is noticed after so long; changes of this one at once. */
const rightsLifeMs = 30_000;
const mostRights = 1000;

/** Permissions on single records. A record's name is trusted: whoever calls has seen that the record is there, where that matters. */
export interface Grants {
  /** What holds on records where nothing was granted. */
  readonly usual: DefaultLevel;
  /** What a caller may do on which records. Costs nothing but a look into memory, once it was asked. */
  rightsOf(principal: Principal): Promise<Rights>;
  /** The same for an identity that is not calling, by id or name. @throws GyreError NOT_FOUND */
  rightsOfIdentity(idOrName: string): Promise<Rights>;

  /**
   * Grants something, over what was granted before.
   * @param how `new`: only where nothing was granted; `change`: only where something was
   * @throws GyreError NOT_FOUND (the identity, or with `change` the grant), ALREADY_EXISTS, PERMISSION_DENIED when the caller may not
   * manage the record, FAILED_PRECONDITION for a disabled identity
   */
  give(input: GrantInput, by: Principal, how?: 'new' | 'change'): Promise<Grant>;
  /** @throws GyreError NOT_FOUND, PERMISSION_DENIED */
  revoke(identity: string, record: GuardedRecord, by: Principal): Promise<void>;
  /** @throws GyreError NOT_FOUND */
  find(identity: string, record: GuardedRecord): Promise<Grant>;
  list(where: { readonly identity?: string; readonly kind?: GuardedKind; readonly record?: string }): Promise<readonly Grant[]>;

  /**
   * Within the write that makes a record: whoever made it manages it (who is no identity, such as `local`, does not); what was granted on one of
   * that name before is gone.
   */
  own(tx: Tx, record: GuardedRecord, maker: Actor): Promise<void>;
  /** Within the write that renames a record: what was granted on it follows it. */
  renamed(tx: Tx, record: GuardedRecord, name: string): Promise<void>;
  /** Within the write that deletes a record for good: a later one of the same name begins without grants. */
  deleted(tx: Tx, record: GuardedRecord): Promise<void>;
}

export interface OpenedGrants extends Grants {
  /** Call it when an identity changed. */
  readonly forget: () => void;
}

/** @param get finds an identity by id or name */
export function openGrants(
  deps: AccessDeps,
  get: (idOrName: string) => Promise<IdentityRow>,
  toPrincipal: (row: IdentityRow) => Principal,
): OpenedGrants {
  const { store, clock, events, defaultLevel = 'ROLES' } = deps;
  const remembered = remember<OpenedRights>({ clock, forMs: rightsLifeMs, most: mostRights });

  const lookUp = async ({ identity, permissions, via }: Principal): Promise<OpenedRights> =>
    rightsOf(via === 'local' ? [] : await store.read((db) => heldBy(db, identity.id)), {
      permissions,
      isAdmin: identity.roles.includes('admin'),
      usual: defaultLevel,
    });
  const rights: Grants['rightsOf'] = (principal) =>
    // A request that was recognised before its caller's roles changed must not leave the old rights behind.
    remembered.get([principal.identity.id, ...principal.identity.roles].join(' '), () => lookUp(principal));

  const requireManage = async (by: Principal, { kind, record }: GuardedRecord): Promise<void> => {
    const isAllowed =
      by.via !== 'local' && (record === everyRecord ? by.identity.roles.includes('admin') : (await rights(by)).may('manage', kind, record));
    if (isAllowed) return;
    const needed = record === everyRecord ? 'the role admin' : `MANAGE on the ${kindWords[kind]} "${record}", or the role admin,`;
    throw new GyreError('PERMISSION_DENIED', `${needed} is needed to say who may do what there; "${by.identity.name}" has not`, {
      kind,
      record,
    });
  };
  const write = (change: Parameters<typeof store.write<GrantRow, void>>[0], row: GrantRow): Promise<void> =>
    store.write(async (tx, args) => {
      await change(tx, args);
      tx.afterCommit(remembered.forget);
    }, row);
  const rowOf = (input: GuardedRecord & { readonly identity: string; readonly level: GrantLevel }, by: Actor): GrantRow => ({
    identity: input.identity,
    kind: input.kind,
    record: input.record,
    level: input.level,
    granted_at: clock.now(),
    granted_by: by.identity,
  });

  return {
    usual: defaultLevel,
    rightsOf: rights,
    rightsOfIdentity: async (idOrName) => rights(toPrincipal(await get(idOrName))),
    forget: remembered.forget,

    async give(input, by, how) {
      await requireManage(by, input);
      const { id, name } = await get(input.identity);
      const row = rowOf({ ...input, identity: id }, by.actor);
      await write(async (tx, args) => {
        await tx.lock(`grants:${args.identity}`);
        if ((await findIdentity(tx, { id: args.identity }))?.disabled === true)
          throw new GyreError('FAILED_PRECONDITION', `"${name}" is disabled and is granted nothing`, { identity: args.identity });
        const before = how === undefined ? undefined : await findGrant(tx, args.identity, args);
        if (how === 'new' && before !== undefined) {
          throw new GyreError(
            'ALREADY_EXISTS',
            `"${name}" was granted ${before.level} on ${named(args)} already: change it, or revoke it first`,
            { identity: args.identity },
          );
        }
        if (how === 'change' && before === undefined) throw noGrant(name, args);
        await putGrant(tx, args);
        const { identity, kind, record, level } = args;
        events.publish(tx, {
          type: eventType('grant.given'),
          subject: identity,
          data: { identity, kind, record, level },
          actor: args.granted_by,
        });
      }, row);
      return grantOf({ ...row, name });
    },

    async revoke(idOrName, record, by) {
      await requireManage(by, record);
      const { id, name } = await get(idOrName);
      await write(
        async (tx, args) => {
          if (!(await deleteGrant(tx, args.identity, args))) throw noGrant(name, args);
          const data = { identity: args.identity, kind: args.kind, record: args.record };
          events.publish(tx, { type: eventType('grant.revoked'), subject: args.identity, data, actor: args.granted_by });
        },
        rowOf({ ...record, identity: id, level: 'NO_PERMISSIONS' }, by.actor),
      );
    },

    async find(idOrName, record) {
      const { id, name } = await get(idOrName);
      const found = await store.read((db) => findGrant(db, id, record));
      if (found === undefined) throw noGrant(name, record);
      return grantOf({ ...found, name });
    },
    async list({ identity, ...where }) {
      const id = identity === undefined ? {} : { identity: (await get(identity)).id };
      return (await store.read((db) => listGrants(db, { ...where, ...id }))).map(grantOf);
    },

    async own(tx, record, maker) {
      const hadOthers = await deleteAllOn(tx, record);
      const isIdentity = (await findIdentity(tx, { id: maker.identity })) !== undefined;
      const row = isIdentity ? rowOf({ ...record, identity: maker.identity, level: 'MANAGE' }, maker) : undefined;
      if (row !== undefined) await putGrant(tx, row);
      tx.afterCommit(() => {
        if (hadOthers) return remembered.forget();
        remembered.amend((rights, key) => {
          if (row !== undefined && key.startsWith(`${row.identity} `)) rights.add(row);
        });
      });
    },
    async renamed(tx, record, name) {
      await moveGrantsTo(tx, record, name);
      await moveTeamGrantsTo(tx, record, name);
      tx.afterCommit(remembered.forget);
    },
    async deleted(tx, record) {
      await deleteAllOn(tx, record);
      tx.afterCommit(remembered.forget);
    },
  };
}

/** What an identity was granted, itself and by its teams. */
async function heldBy(db: Db, identity: string): Promise<readonly Pick<GrantRow, 'kind' | 'record' | 'level'>[]> {
  return [...(await grantsOf(db, identity)), ...(await teamGrantsOf(db, identity))];
}

/** @returns whether there were any */
async function deleteAllOn(tx: Tx, record: GuardedRecord): Promise<boolean> {
  const had = await deleteGrantsOn(tx, record);
  return (await deleteTeamGrantsOn(tx, record)) || had;
}

const kindWords: Readonly<Record<GuardedKind, string>> = { experiment: 'experiment', registered_model: 'registered model' };

function named({ kind, record }: GuardedRecord): string {
  return record === everyRecord ? `every ${kindWords[kind]}` : `the ${kindWords[kind]} "${record}"`;
}

function noGrant(name: string, record: GuardedRecord): GyreError {
  return new GyreError('NOT_FOUND', `nothing was granted to "${name}" on ${named(record)}`, { kind: record.kind, record: record.record });
}
