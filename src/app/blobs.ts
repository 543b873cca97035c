import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import {
  type BlobStore,
  type Environment,
  openFsBlobs,
  openObjectBlobs,
  openObjectStore,
  type S3Connection,
  s3ConnectionFrom,
  type S3Overrides,
  type S3World,
} from '#blobs';
import { type Clock, type Faults, seeded, systemClock } from '#core';

/** Where blobs are kept, as settings and flags say it. */
export interface BlobsPlace {
  /** A folder, or `s3://bucket/prefix`. */
  readonly address: string;
  /** Folder for copies of blobs that are in a bucket. Default: `gyre/blobs` in the user's cache folder. */
  readonly cache?: string;
  /** Default 20 GB. */
  readonly cacheBytes?: number;
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
 * Opens the blobs at their place. Whether a bucket is there and lets us in is found out here, not at the first write.
 * @throws GyreError with the reason when folder, bucket or credentials cannot be used
 */
export async function openBlobs(place: BlobsPlace, world: BlobsWorld): Promise<OpenedBlobs> {
  const { address, cacheBytes = 20e9, s3Endpoint, s3Region } = place;
  const { environment, clock, readOnly = false, faults } = world;
  if (!isBucket(address)) {
    const blobs = await openFsBlobs({ dir: resolve(address), readOnly, ...(faults === undefined ? {} : { faults }) });
    return { blobs, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const connection = await s3ConnectionFrom(environment, {
    ...(s3Endpoint === undefined ? {} : { endpoint: s3Endpoint }),
    ...(s3Region === undefined ? {} : { region: s3Region }),
  });
  const objects = openObjectStore(address, { s3: { connection, world: s3World(clock) } });
  const dir = place.cache ?? join(environment['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'gyre', 'blobs');
  try {
    // A plane whose packages are in its cache starts while the bucket is away.
    if (!readOnly) await objects.stat('sha256');
    const blobs = await openObjectBlobs({ objects, cache: { dir, maxBytes: cacheBytes, clock }, readOnly });
    return { blobs, [Symbol.asyncDispose]: () => objects[Symbol.asyncDispose]() };
  } catch (error) {
    await objects[Symbol.asyncDispose]();
    throw error;
  }
}
