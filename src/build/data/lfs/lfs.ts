import { createHash } from 'node:crypto';
import { eventType } from '#contract';
import { GyreError, isoInstant } from '#core';
import type { Sha256 } from '#core';
import { openLocks } from './lfs-locks.ts';
import { insertObject, objectSizes, repositoryRows } from './lfs-store.ts';
import type { LfsObjectRow } from './lfs-store.ts';
import type { LfsDeps, LfsRepositories } from './port.ts';

/** Opens the objects of Git LFS over a migrated store. */
export function openLfs(deps: LfsDeps): LfsRepositories {
  const { store, blobs, clock } = deps;
  const sizes: LfsRepositories['sizes'] = async (repository, oids) => {
    const recorded = await store.read((db) => objectSizes(db, repository, oids));
    // An object whose bytes were lost counts as missing: the next push brings it again.
    const present = await Promise.all([...recorded.keys()].map(async (oid) => ((await blobs.has(oid)) ? [oid] : [])));
    return new Map(present.flat().map((oid) => [oid, recorded.get(oid) ?? 0]));
  };
  return {
    ...openLocks(deps),
    sizes,
    put: async ({ repository, oid, bytes, by }) => {
      const { size } = await blobs.put(sameAs(oid, bytes));
      await store.write(
        async (tx, row: LfsObjectRow) => {
          if (!(await insertObject(tx, row))) return;
          const data = { repository: row.repository };
          deps.events.publish(tx, { type: eventType('lfs_repository.created'), subject: row.repository, data, actor: row.by.identity });
        },
        { repository, oid, size, storedAt: clock.now(), by },
      );
      return { size };
    },
    open: async (repository, oid, range) => {
      const recorded = await store.read((db) => objectSizes(db, repository, [oid]));
      if (!recorded.has(oid)) throw new GyreError('NOT_FOUND', `the repository "${repository}" has no object ${oid}`, { repository, oid });
      return blobs.open(oid, range);
    },
    list: async () =>
      (await store.read(repositoryRows)).map(({ repository, objects, bytes, created_at, stored_at }) => ({
        repository,
        objects,
        bytes,
        createdAt: isoInstant(created_at),
        lastStoredAt: isoInstant(stored_at),
      })),
  };
}

/** The same bytes, and an error in place of their end when they are not those that were announced: then no blob comes to be. */
async function* sameAs(oid: Sha256, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const chunk of bytes) {
    hash.update(chunk);
    yield chunk;
  }
  const found = hash.digest('hex');
  if (found !== oid) throw new GyreError('INVALID_ARGUMENT', `the bytes that came have the SHA-256 ${found}, not ${oid}`, { oid, found });
}
