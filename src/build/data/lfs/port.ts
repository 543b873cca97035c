import type { BlobStore, ByteRange } from '#blobs';
import type { Actor, EventTypes, LfsLock, LfsRepository } from '#contract';
import type { Clock, NewId, Sha256 } from '#core';
import type { Events } from '#events';
import type { Store } from '#store';

export interface LfsDeps {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly events: Pick<Events<EventTypes>, 'publish'>;
  readonly clock: Clock;
  readonly newId: NewId;
}

export interface LockQuery {
  readonly repository: string;
  readonly path?: string;
  readonly id?: string;
}

/** Objects of Git LFS: blobs, and which git repository may see which of them. A repository is there once it has an object. */
export interface LfsRepositories {
  /** Sizes in bytes of those of these objects that the repository has and whose bytes are there. */
  sizes(repository: string, oids: readonly Sha256[]): Promise<ReadonlyMap<Sha256, number>>;
  /**
   * Stores an object's bytes as they come, and records it as the repository's. Nothing is left of what is refused or ends early.
   * @throws GyreError INVALID_ARGUMENT when the bytes have another SHA-256 than `oid`; RESOURCE_EXHAUSTED when the disk is full; what `bytes` throws
   */
  put(object: {
    readonly repository: string;
    readonly oid: Sha256;
    readonly bytes: AsyncIterable<Uint8Array>;
    readonly by: Actor;
  }): Promise<{ readonly size: number }>;
  /**
   * An object's bytes, or a part of them. An object of another repository is not there, whoever knows its oid.
   * @throws GyreError NOT_FOUND; OUT_OF_RANGE
   */
  open(repository: string, oid: Sha256, range?: ByteRange): Promise<AsyncIterable<Uint8Array>>;
  /** @throws GyreError ALREADY_EXISTS naming who has locked it */
  lock(request: { readonly repository: string; readonly path: string; readonly by: Actor }): Promise<LfsLock>;
  /** In the order in which they were taken. @param query.limit at most 100 */
  locks(
    query: LockQuery & { readonly limit?: number; readonly after?: string },
  ): Promise<{ readonly items: readonly LfsLock[]; readonly next?: string }>;
  /** @throws GyreError NOT_FOUND; PERMISSION_DENIED for another's lock without `force` */
  unlock(request: { readonly repository: string; readonly id: string; readonly force: boolean; readonly by: Actor }): Promise<LfsLock>;
  /** By name. */
  list(): Promise<readonly LfsRepository[]>;
}
