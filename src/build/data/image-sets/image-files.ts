import { createHash } from 'node:crypto';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseLfsPointer } from '#blobs';
import type { BlobStore } from '#blobs';
import { GyreError, asSha256, messageOf } from '#core';
import type { Clock } from '#core';
import { factsFunction, stampOf, usualLimits } from '#images';
import type { FileStamp, ImageFacts, ImageThreads } from '#images';
import type { Store } from '#store';
import type { IngestionWork } from '../ingestions/running.ts';
import { pointerError } from '../through-pointer.ts';
import { listFiles } from '../file-sets/list-files.ts';
import { forgetFiles, rememberFiles, rememberedFiles } from './image-files-store.ts';
import type { RememberedFile } from './image-files-store.ts';
import { listImages } from './list-images.ts';

export interface FilesDeps {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  /** Called when a file has to be read, once. */
  readonly openThreads: () => Promise<ImageThreads>;
}

export interface FilesProgress {
  done: number;
  read: number;
  decoded: number;
}

/** What is found of each path; null where there is no file. */
export type FoundFiles = ReadonlyMap<string, RememberedFile | null>;

/** Asking the file system how a file stands is mostly waiting. */
const looksAtOnce = 32;

/** Files are remembered in pieces, so that an ingest that is cut off has not worked for nothing. */
const rememberEvery = 500;

/**
 * A file that was written to this recently may be written to again within the same tick of its clock, which its stamp would not show:
 * it is not remembered.
 */
const settledMs = 2_000;

interface FilesToTake {
  /** Absolute. */
  readonly folder: string;
  /** Relative to the folder. */
  readonly paths: readonly string[];
  readonly going: Pick<IngestionWork, 'requireGoing'>;
  /** Called when a file is done. */
  readonly onProgress: () => void;
}

/**
 * Stores the bytes of images and finds out what there is to know of each. Files that stand as they stood when they were looked at last are
 * not read; bytes that are known are not decoded. What a file is, is remembered only after its bytes are durable.
 * @throws GyreError PERMISSION_DENIED, FAILED_PRECONDITION (a file keeps changing), RESOURCE_EXHAUSTED (the disk is full), CANCELLED
 */
export async function takeFiles(
  deps: FilesDeps,
  { folder, paths, going, onProgress }: FilesToTake,
  progress: FilesProgress,
): Promise<FoundFiles> {
  const { store, blobs, clock, openThreads } = deps;
  const remembered = new Map(
    (await store.read((db) => rememberedFiles(db, folder, factsFunction))).map((file) => [file.path, file] as const),
  );
  // promises: two files of the same bytes that are read at once are decoded once
  const factsOf = new Map([...remembered.values()].map(({ sha256, facts }) => [sha256, Promise.resolve(facts)] as const));
  const found = new Map<string, RememberedFile | null>();
  let fresh: RememberedFile[] = [];
  const remember = async (): Promise<void> => {
    const files = fresh;
    fresh = [];
    if (files.length > 0) await store.write(rememberFiles, { folder, factsBy: factsFunction, files });
  };

  const unread: { readonly path: string; readonly before: FileStamp }[] = [];
  const look = async (path: string): Promise<void> => {
    going.requireGoing();
    const before = await standing(join(folder, path));
    const known = remembered.get(path);
    const isKnown = known?.stamp === before?.stamp && known?.size === before?.size;
    if (before === undefined) found.set(path, null);
    else if (known && isKnown && (await blobs.renew(asSha256(known.sha256)))) found.set(path, known);
    else {
      unread.push({ path, before });
      return;
    }
    progress.done++;
    onProgress();
  };
  await eachOf(paths, looksAtOnce, look);

  const take = async (threads: ImageThreads, { path, before }: (typeof unread)[number]): Promise<void> => {
    going.requireGoing();
    const file = before.size > usualLimits.bytes ? await takeLarge(path, before) : await takeSmall(threads, path);
    found.set(path, file);
    if (isSettled(file, clock.now())) fresh.push(file);
    if (fresh.length >= rememberEvery) await remember();
    progress.done++;
    onProgress();
  };

  const takeSmall = async (threads: ImageThreads, path: string): Promise<RememberedFile> => {
    const { bytes, ...file } = await threads.read(join(folder, path));
    const pointer = parseLfsPointer(bytes);
    if (pointer !== undefined) throw pointerError(path, pointer);
    progress.read++;
    await blobs.put(bytes);
    let facts = factsOf.get(file.sha256);
    if (facts === undefined) {
      facts = threads.examine(bytes);
      factsOf.set(file.sha256, facts);
      progress.decoded++;
    }
    return { path, ...file, facts: await facts };
  };

  /** Beyond the limit nothing is decoded; the bytes are kept all the same. */
  const takeLarge = async (path: string, stamp: FileStamp): Promise<RememberedFile> => {
    const { digest, size, md5 = '' } = await blobs.putFile(join(folder, path), { md5: true });
    progress.read++;
    const after = await standing(join(folder, path));
    if (after?.stamp !== stamp.stamp || size !== stamp.size)
      throw new GyreError('FAILED_PRECONDITION', `${path} changed while it was read; add it again when nothing writes to it`, { path });
    const facts: ImageFacts = { problem: 'too_large', error: `the file has ${size} bytes; ${usualLimits.bytes} are decoded at most` };
    return { path, ...stamp, sha256: digest, md5, facts };
  };

  if (unread.length > 0) {
    await using threads = await openThreads();
    try {
      await eachOf(unread, threads.width, (each) => take(threads, each));
    } finally {
      await remember();
    }
  }
  const gone = [...remembered.keys()].filter((path) => (found.get(path) ?? null) === null);
  if (gone.length > 0) await store.write(forgetFiles, { folder, paths: gone });
  return found;
}

/** How all images of a folder stand, as a digest: it changes whenever a file is written, comes, goes or is renamed. */
export async function standingOfImages(folder: string): Promise<string> {
  const hash = createHash('sha256');
  for (const { path } of (await listImages(folder)).images) hash.update(`${path}\0${(await standing(join(folder, path)))?.stamp ?? ''}\n`);
  return hash.digest('hex');
}

/** As `standingOfImages`, of all files of a folder, or of one file. */
export async function standingOfFolder(path: string): Promise<string> {
  const { folder, paths } = await listFiles(path);
  const hash = createHash('sha256');
  for (const each of paths) hash.update(`${each}\0${(await standing(join(folder, each)))?.stamp ?? ''}\n`);
  return hash.digest('hex');
}

/** How a file stands; undefined when there is none, or a link or a folder in its place. */
export async function standing(path: string): Promise<(FileStamp & { readonly changedMs: number }) | undefined> {
  try {
    const stats = await lstat(path, { bigint: true });
    return stats.isFile() ? { ...stampOf(stats), changedMs: Number(stats.mtimeMs) } : undefined;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (code === 'EACCES')
      throw new GyreError('PERMISSION_DENIED', `${path} cannot be read: ${messageOf(error)}`, { path }, { cause: error });
    throw error;
  }
}

/** Whether a file's last change is long enough ago for its stamp to show the next one. */
export function isSettled({ stamp }: RememberedFile, now: number): boolean {
  const changedMs = Number(BigInt(stamp.split(':')[2]) / 1_000_000n);
  return Math.abs(now - changedMs) > settledMs;
}

/** Works on all items, so many at once; the first failure ends it, after those that run have ended. */
export async function eachOf<T>(items: readonly T[], width: number, work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  let failed = false;
  const lane = async (): Promise<void> => {
    while (next < items.length && !failed) {
      try {
        await work(items[next++]);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: Math.min(width, items.length) }, lane));
  const rejected = lanes.find((each) => each.status === 'rejected');
  if (rejected !== undefined) throw rejected.reason;
}
