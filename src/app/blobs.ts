import { randomFillSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import {
  amountOf,
  type BlobStore,
  ClearCopies,
  type Environment,
  type ObjectStore,
  openFsBlobs,
  openObjectBlobs,
  openObjectStore,
  openSealedBlobs,
  requireNothingSealed,
  type S3Connection,
  s3ConnectionFrom,
  type S3Overrides,
  type S3World,
  type SealedBlobs,
  sealingKeysFrom,
  sealingVariable,
} from '#blobs';
import type { BlobStorage } from '#contract';
import { type Clock, type Faults, seeded, systemClock } from '#core';

/** Where blobs are kept, as settings and flags say it. */
export interface BlobsPlace {
  /** A folder, or `s3://bucket/prefix`. */
  readonly address: string;
  /** Folder for copies of blobs that are in a bucket. Default: `gyre/blobs` in the user's cache folder. */
  readonly cache?: string;
  /** Default 20 GB. */
  readonly cacheBytes?: number;
  /** Folder for opened copies of sealed blobs. Default: where Linux keeps files in memory, else that of temporary files. */
  readonly clear?: string;
  /** Default: what the variables and files of AWS say. */
  readonly s3Endpoint?: string;
  readonly s3Region?: string;
}

export interface BlobsWorld {
  readonly environment: Environment;
  readonly clock: Clock;
  /** For data planes: nothing is put or deleted. */
  readonly readOnly?: boolean;
  readonly faults?: Faults;
}

export interface OpenedBlobs extends AsyncDisposable {
  readonly blobs: BlobStore;
  /** There when the environment holds a key. */
  readonly sealed?: SealedBlobs;
  /** How they are stored. */
  storage(): Promise<BlobStorage>;
}

/** Clock and chance of whoever speaks to other machines. */
export const s3World = (clock: Clock): S3World => ({ clock, random: seeded(Math.floor(Math.random() * 2 ** 32)) });

/** How a bucket is reached: by what somebody says of it, such as a remote in `.dvc/config`, and for the rest by the environment. */
export async function s3Access(
  environment: Environment,
  overrides: S3Overrides,
): Promise<{ readonly connection: S3Connection; readonly world: S3World }> {
  return { connection: await s3ConnectionFrom(environment, overrides), world: s3World(systemClock) };
}

export const isBucket = (address: string): boolean => address.startsWith('s3://');

/**
 * Opens the blobs at their place, sealed with the keys that the environment holds. Whether a bucket is there and lets us in, and whether the
 * keys fit, is found out here, not at the first write.
 * @throws GyreError with the reason when folder, bucket, credentials or keys cannot be used
 */
export async function openBlobs(place: BlobsPlace, world: BlobsWorld): Promise<OpenedBlobs> {
  const { cacheBytes = 20e9 } = place;
  const { environment, clock, readOnly = false } = world;
  const keys = sealingKeysFrom(environment[sealingVariable]);
  await using opened = new AsyncDisposableStack();
  const address = isBucket(place.address) ? place.address : resolve(place.address);
  const { blobs: clear, objects, incoming } = await openClear({ ...place, address }, world, opened);
  if (keys === undefined) {
    // A plane whose packages are in its cache starts while the bucket is away.
    if (!(readOnly && isBucket(address))) await requireNothingSealed(objects);
    const disposables = opened.move();
    return {
      blobs: clear,
      storage: async () => ({ address, clear: await amountOf(clear.list()), sealed: { count: 0, bytes: 0 } }),
      [Symbol.asyncDispose]: () => disposables.disposeAsync(),
    };
  }
  const copies = opened.use(await ClearCopies.open({ dir: place.clear ?? memoryFolder(), maxBytes: cacheBytes, clock }));
  const randomBytes = (length: number): Uint8Array => randomFillSync(new Uint8Array(length));
  const sealed = await openSealedBlobs({ keys, randomBytes, objects, clear, copies, incoming, readOnly });
  const disposables = opened.move();
  return {
    blobs: sealed,
    sealed,
    storage: async () => ({ address, key: keys.current.id, ...(await sealed.census()) }),
    [Symbol.asyncDispose]: () => disposables.disposeAsync(),
  };
}

/**
 * The blobs as the objects that they are stored as, sealed or not.
 * @throws GyreError with the reason when nothing says how the bucket is reached
 */
export async function openBlobObjects(
  place: BlobsPlace,
  { environment, clock }: Pick<BlobsWorld, 'environment' | 'clock'>,
): Promise<ObjectStore> {
  const { s3Endpoint, s3Region } = place;
  if (!isBucket(place.address)) return openObjectStore(resolve(place.address));
  const connection = await s3ConnectionFrom(environment, {
    ...(s3Endpoint === undefined ? {} : { endpoint: s3Endpoint }),
    ...(s3Region === undefined ? {} : { region: s3Region }),
  });
  return openObjectStore(place.address, { s3: { connection, world: s3World(clock) } });
}

/** The blobs as they are stored without a key, and the objects that they are. */
async function openClear(
  place: BlobsPlace,
  world: BlobsWorld,
  opened: AsyncDisposableStack,
): Promise<{ readonly blobs: BlobStore; readonly objects: ObjectStore; readonly incoming: string }> {
  const { address, cacheBytes = 20e9 } = place;
  const { environment, clock, readOnly = false, faults } = world;
  const objects = opened.use(await openBlobObjects(place, world));
  if (!isBucket(address)) {
    const blobs = await openFsBlobs({ dir: address, readOnly, ...(faults === undefined ? {} : { faults }) });
    return { blobs, objects, incoming: join(address, 'incoming') };
  }
  const dir = place.cache ?? join(environment['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'gyre', 'blobs');
  // A plane whose packages are in its cache starts while the bucket is away.
  if (!readOnly) await objects.stat('sha256');
  const blobs = await openObjectBlobs({ objects, cache: { dir, maxBytes: cacheBytes, clock }, readOnly });
  return { blobs, objects, incoming: join(dir, 'incoming') };
}

/** Where Linux keeps files in memory. */
const sharedMemory = '/dev/shm';

function memoryFolder(): string {
  return existsSync(sharedMemory) ? sharedMemory : tmpdir();
}
