import type { GarbageItem, GarbageSweep } from '#contract';
import { isoInstant } from '#core';
import type { Db } from '#store';
import { blobHolders } from './holders.ts';
import type { GarbageDeps } from './port.ts';
import { blobUses } from './uses-store.ts';

const shownItems = 1000;

/** A sweep while it goes on. */
export type SweepProgress = { -readonly [K in keyof GarbageSweep]: GarbageSweep[K] };

/** Every digest that any record refers to, as one snapshot has it, and what the lists among them name. */
async function referredDigests(db: Db, blobs: GarbageDeps['blobs'], signal: AbortSignal): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const holder of blobHolders) {
    for await (const { digest } of blobUses(db, blobs, holder)) found.add(digest);
    signal.throwIfAborted();
  }
  return found;
}

/**
 * Marks, then looks at every blob. What no record of the snapshot refers to and what is older than the grace period goes, unless it is stored
 * again before its turn: the delete asks for its age once more. Killed anywhere, what is gone is only what nothing referred to.
 */
export async function sweepBlobs(deps: GarbageDeps, sweep: SweepProgress, signal: AbortSignal): Promise<void> {
  const { store, blobs, clock, training } = deps;
  const storedBefore = clock.now() - sweep.graceMs;
  sweep.phase = 'mark';
  // What was begun and never completed would be kept for ever where nobody begins another upload.
  if (sweep.apply) await training.artifacts.uploads.forgetOld();
  const referred = await store.read((db) => referredDigests(db, blobs, signal));
  sweep.referred = referred.size;
  sweep.phase = 'blobs';
  for await (const { digest, size, storedAt } of blobs.list()) {
    signal.throwIfAborted();
    sweep.looked = plus(sweep.looked, size);
    if (referred.has(digest)) sweep.kept = plus(sweep.kept, size);
    else if (storedAt >= storedBefore) sweep.young = plus(sweep.young, size);
    else {
      sweep.garbage = plus(sweep.garbage, size);
      const since = isoInstant(storedAt);
      show(sweep, { kind: 'blob', digest, bytes: size, since, why: `no record refers to it; stored ${since}, before the grace period` });
      if (sweep.apply && (await blobs.delete(digest, { storedBefore }))) sweep.deleted = plus(sweep.deleted, size);
    }
  }
}

/** As `sweepBlobs`, of the objects in the cache of the project's workspace. */
export async function sweepObjects({ workspace }: GarbageDeps, sweep: SweepProgress, signal: AbortSignal): Promise<void> {
  sweep.phase = 'objects';
  const found = await workspace.garbage({ apply: sweep.apply, graceMs: sweep.graceMs, signal });
  if (found === undefined) return;
  const { objects, named, kept, young, garbage, bytes, deleted } = found;
  // of what stays nobody has asked how large it is
  sweep.looked = { count: objects, bytes: 0 };
  sweep.kept = { count: named, bytes: 0 };
  sweep.young = { count: young, bytes: 0 };
  sweep.referred = kept;
  sweep.garbage = { count: garbage.length, bytes };
  if (deleted) sweep.deleted = sweep.garbage;
  for (const { object, size, storedAt } of garbage.slice(0, shownItems)) {
    const since = isoInstant(Math.floor(storedAt));
    const why = `no .dvc file, no commit and no dataset version names it; stored ${since}, before the grace period`;
    show(sweep, { kind: 'object', object, bytes: size, since, why });
  }
}

export function show(sweep: SweepProgress, item: GarbageItem): void {
  if (sweep.items.length < shownItems) sweep.items = [...sweep.items, item];
}

export function plus({ count, bytes }: GarbageSweep['looked'], size: number): GarbageSweep['looked'] {
  return { count: count + 1, bytes: bytes + size };
}
