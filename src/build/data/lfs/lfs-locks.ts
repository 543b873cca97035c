import { eventType } from '#contract';
import { GyreError, isoInstant } from '#core';
import { deleteLock, findLock, insertLock, selectLocks } from './lfs-locks-store.ts';
import type { LfsLock } from '#contract';
import type { LfsDeps, LfsRepositories } from './port.ts';

const pageSize = 100;

/** Locks of paths: whoever holds one says that nobody else should change the file. They hold nobody back but those who ask. */
export function openLocks(deps: LfsDeps): Pick<LfsRepositories, 'lock' | 'locks' | 'unlock'> {
  const { store, events, clock, newId } = deps;
  return {
    lock: async ({ repository, path, by }) => {
      const row = { id: newId(), repository, path, locked_at: clock.now(), owner: by };
      return store.write(async (tx, args: typeof row): Promise<LfsLock> => {
        await tx.lock(`lfs locks ${args.repository}`);
        const held = await findLock(tx, args.repository, { path: args.path });
        if (held !== undefined) {
          const message = `"${args.path}" is locked by ${held.owner.name} since ${held.lockedAt}`;
          throw new GyreError('ALREADY_EXISTS', message, { lock: held });
        }
        await insertLock(tx, args);
        const data = { id: args.id, repository: args.repository, path: args.path };
        events.publish(tx, { type: eventType('lfs_lock.taken'), subject: args.id, data, actor: args.owner.identity });
        const { id, owner } = args;
        return { id, path: args.path, lockedAt: isoInstant(args.locked_at), owner };
      }, row);
    },
    locks: async ({ after, limit = pageSize, ...query }) => {
      const from = after === undefined ? 0 : Number(after);
      if (!Number.isSafeInteger(from)) throw new GyreError('INVALID_ARGUMENT', `"${after}" is no cursor of a list of locks`);
      const size = Math.min(Math.max(1, limit), pageSize);
      const found = await store.read((db) => selectLocks(db, { ...query, limit: size + 1 }, from));
      const items = found.slice(0, size);
      return { items: items.map(({ lock }) => lock), ...(found.length > size ? { next: String(items[items.length - 1].position) } : {}) };
    },
    unlock: (request) =>
      store.write(async (tx, { repository, id, force, by }): Promise<LfsLock> => {
        const held = await findLock(tx, repository, { id });
        if (held === undefined) throw new GyreError('NOT_FOUND', `the repository "${repository}" has no lock ${id}`, { repository, id });
        if (held.owner.identity !== by.identity && !force) {
          throw new GyreError(
            'PERMISSION_DENIED',
            `"${held.path}" is locked by ${held.owner.name}: only they may unlock it, or an admin with --force`,
          );
        }
        await deleteLock(tx, repository, id);
        const data = { id, repository, path: held.path, owner: held.owner.identity };
        events.publish(tx, { type: eventType('lfs_lock.released'), subject: id, data, actor: by.identity });
        return held;
      }, request),
  };
}
