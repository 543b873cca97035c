import { mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ObjectStat, ObjectStore, TransferOptions } from '#blobs';
import { GyreError, hasCode, sha256 } from '#core';
import { digestOfFile } from './blob-list.ts';
import type { StoredBlob } from './blob-list.ts';
import { sizeOf } from './layout.ts';
import { syncPath } from './files.ts';

const atOnce = 16;
/** What a sealed blob begins with: its key and its salt, so that one that was sealed again begins otherwise, and is another copy. */
const beginningBytes = 64;
const blobKey = /^(sha256|sealed)\/([0-9a-f]{2})\/([0-9a-f]{62})$/;

export interface CopiedBlob extends StoredBlob {
  /** It was not there before. */
  readonly isNew: boolean;
}

/**
 * Copies all blobs, as they are stored, into a folder: what is there already stays. Each gets its name only when its bytes are on the disk and
 * were compared with it, so that a copy that was killed goes on where it was.
 * @param known digests of sealed blobs by the names of their copies, as far as earlier backups have them
 * @throws GyreError DATA_LOSS naming a blob whose bytes are others; CANCELLED
 */
export async function* copyBlobs(
  from: ObjectStore,
  to: string,
  { known, signal }: { readonly known: ReadonlyMap<string, string>; readonly signal: AbortSignal },
): AsyncGenerator<CopiedBlob> {
  const copy = (object: ObjectStat): Promise<CopiedBlob | undefined> => copyBlob(from, to, object, known, signal);
  for await (const copied of ahead(blobsOf(from), copy)) {
    signal.throwIfAborted();
    if (copied !== undefined) yield copied;
  }
  await removeParts(to);
}

async function* blobsOf(objects: ObjectStore): AsyncGenerator<ObjectStat> {
  for (const prefix of ['sha256/', 'sealed/']) {
    for await (const object of objects.list(prefix)) if (blobKey.test(object.key)) yield object;
  }
}

async function copyBlob(
  from: ObjectStore,
  to: string,
  { key, size }: ObjectStat,
  known: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<CopiedBlob | undefined> {
  const [, kind, prefix, rest] = blobKey.exec(key) ?? [];
  const name = `${prefix}${rest}`;
  try {
    if (kind === 'sha256') {
      const isNew = await copyMissing(from, key, size, join(to, key), { signal, sha256: name });
      return { key, size, digest: name, copy: key, isNew };
    }
    const start = await bytesOf(await from.open(key, { start: 0, end: Math.min(beginningBytes, size) }));
    const copy = `${key}.${sha256(start).slice(0, 16)}`;
    const path = join(to, copy);
    const isNew = await copyMissing(from, key, size, path, { signal });
    return { key, size, digest: known.get(copy) ?? (await digestOfFile(path)), copy, isNew };
  } catch (error) {
    // Garbage collection may have taken it since it was listed: then no record refers to it.
    if (hasCode(error, 'NOT_FOUND')) return undefined;
    if (!hasCode(error, 'DATA_LOSS')) throw error;
    throw new GyreError('DATA_LOSS', `blob ${name} is corrupt in ${from.address}`, { digest: name }, { cause: error });
  }
}

async function copyMissing(from: ObjectStore, key: string, size: number, path: string, options: TransferOptions): Promise<boolean> {
  if ((await sizeOf(path)) === size) return false;
  await makeFolder(dirname(path));
  await from.getFile(key, path, options);
  return true;
}

async function bytesOf(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(stream));
}

/**
 * Puts listed blobs of a backup's folder where a platform keeps its own; what is there already stays.
 * @returns how many were put, one by one
 * @throws GyreError DATA_LOSS naming a blob that is gone or has other bytes; CANCELLED
 */
export async function* putBlobs(
  from: string,
  blobs: AsyncIterable<StoredBlob>,
  to: ObjectStore,
  signal: AbortSignal,
): AsyncGenerator<StoredBlob> {
  const put = async (blob: StoredBlob): Promise<StoredBlob | undefined> => {
    const { key, size, digest, copy } = blob;
    const kept = await to.stat(key);
    if (kept?.size === size && !key.startsWith('sealed/')) return undefined;
    if ((await sizeOf(join(from, copy))) === undefined)
      throw new GyreError('DATA_LOSS', `the backup has lost ${copy}: restore another one`, { key });
    await to.putFile(key, join(from, copy), { sha256: digest, signal });
    return blob;
  };
  for await (const done of ahead(blobs, put)) {
    signal.throwIfAborted();
    if (done !== undefined) yield done;
  }
}

/** Works on what comes, with some under way at once, and gives the outcomes in the order in which it came. */
export async function* ahead<T, R>(source: AsyncIterable<T>, work: (item: T) => Promise<R>): AsyncGenerator<R> {
  const underWay: Promise<R>[] = [];
  try {
    for await (const item of source) {
      const begun = work(item);
      // Whoever comes to it hears of it; until then it is nobody's.
      begun.catch(() => undefined);
      underWay.push(begun);
      const oldest = underWay.length < atOnce ? undefined : underWay.shift();
      if (oldest !== undefined) yield await oldest;
    }
    for (let next = underWay.shift(); next !== undefined; next = underWay.shift()) yield await next;
  } finally {
    await Promise.allSettled(underWay);
  }
}

/** Takes away what killed copies left. */
async function removeParts(folder: string): Promise<void> {
  for (const name of await readdir(folder, { recursive: true }).catch(() => [])) {
    if (name.endsWith('.part')) await rm(join(folder, name), { force: true });
  }
}

async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  // Each new folder is an entry of the one above it.
  for (let above = dirname(folder); above.length >= dirname(first).length; above = dirname(above)) await syncPath(above);
}
