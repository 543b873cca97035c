import { statSync } from 'node:fs';
import { chmod, mkdir, rename, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { openObjectStore } from '#blobs';
import type { ObjectStore, S3Connection, S3World } from '#blobs';
import { hasCode } from '#core';
import { atOnce } from './at-once.ts';
import { smallBytes } from './file-bytes.ts';
import { legacyObjectPath, objectMode, objectPath } from './layout.ts';
import type { ObjectName } from './layout.ts';
import { manifestName } from './manifest.ts';
import type { Fetched, RemoteObjects, Sent } from './remote-objects.ts';
import type { Session } from './session.ts';

/** Requests at once for small objects, and objects at once that go in several requests each. */
const smallAtOnce = 32;
const largeAtOnce = 4;
/** Keys that one page of a bucket's list has. */
const keysPerPage = 1000;
/** Fewer than this are asked for one by one, however small the bucket may be. */
const askedOneByOne = 64;
const prefixes = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));

/** @throws GyreError when bucket or credentials cannot be used */
export async function openBucketRemote(
  name: string,
  url: string,
  s3: { readonly connection: S3Connection; readonly world: S3World },
): Promise<RemoteObjects> {
  const objects = openObjectStore(url.replace(/^s3/i, 's3'), { s3, durable: false });
  try {
    // What is wrong with the place is said now, and not as the fault of some object.
    await objects.stat('files');
  } catch (error) {
    await objects[Symbol.asyncDispose]();
    throw error;
  }
  return {
    name,
    lacking: (names) => lackingIn(objects, names),
    send: (session, md5s, tell) => send(objects, session, md5s, tell),
    listing: async (object, legacy) => {
      const bytes =
        (await readIfThere(objects, keyOf(object, false))) ?? (legacy ? await readIfThere(objects, keyOf(object, true)) : undefined);
      if (bytes === undefined) return 'missing';
      return manifestName(bytes) === object ? bytes : 'damaged';
    },
    sendListing: async (object, bytes) => {
      if ((await objects.stat(keyOf(object, false)))?.size === bytes.length) return false;
      await objects.put(keyOf(object, false), bytes, { md5: object.slice(0, 32) });
      return true;
    },
    fetch: (session, md5s, legacy, tell) => fetch(objects, session, md5s, legacy, tell),
    [Symbol.asyncDispose]: () => objects[Symbol.asyncDispose](),
  };
}

/** An object's key below the remote's prefix. */
function keyOf(name: ObjectName, legacy: boolean): string {
  return (legacy ? legacyObjectPath('', name) : objectPath('', name)).slice(1);
}

async function readIfThere(objects: ObjectStore, key: string): Promise<Buffer | undefined> {
  try {
    return Buffer.from(await objects.read(key));
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
}

/**
 * Names that the bucket lacks: asked for one by one, or, where fewer requests do, from its list. How much the bucket holds is judged by
 * what one of the 256 folders holds: MD5 spreads objects evenly.
 */
async function lackingIn(objects: ObjectStore, names: readonly ObjectName[]): Promise<string[]> {
  const there = new Set<string>();
  const list = async (prefix: string): Promise<number> => {
    let count = 0;
    for await (const { key } of objects.list(`files/md5/${prefix}/`)) {
      there.add(prefix + key.slice(key.lastIndexOf('/') + 1));
      count += 1;
    }
    return count;
  };
  const ask = async (name: ObjectName): Promise<void> => {
    if ((await objects.stat(keyOf(name, false))) !== undefined) there.add(name);
  };
  if (names.length <= askedOneByOne) await atOnce(smallAtOnce, names, ask);
  else {
    const [first, ...rest] = prefixes;
    const inFirst = await list(first);
    if (256 * Math.max(1, Math.ceil(inFirst / keysPerPage)) < names.length)
      await atOnce(smallAtOnce, rest, async (prefix) => void (await list(prefix)));
    else
      await atOnce(
        smallAtOnce,
        names.filter((name) => !name.startsWith(first)),
        ask,
      );
  }
  return names.filter((name) => !there.has(name));
}

async function send(
  objects: ObjectStore,
  { root, signal }: Session,
  md5s: readonly string[],
  tell: (objects: number, bytes: number) => void,
): Promise<Sent> {
  const failed: (readonly [string, string])[] = [];
  const [small, large]: string[][] = [[], []];
  for (const md5 of md5s) {
    const size = statSync(objectPath(root.cache, md5), { throwIfNoEntry: false })?.size;
    if (size === undefined) failed.push([md5, 'missing in the cache']);
    else (size <= smallBytes ? small : large).push(md5);
  }
  let [sent, bytes] = [0, 0];
  const onBytes = (more: number): void => {
    bytes += more;
    tell(sent, bytes);
  };
  const sendOne = async (md5: string): Promise<void> => {
    try {
      await objects.putFile(keyOf(md5, false), objectPath(root.cache, md5), { md5, signal, onBytes });
      sent += 1;
      tell(sent, bytes);
    } catch (error) {
      if (!hasCode(error, 'DATA_LOSS')) throw error;
      failed.push([md5, 'damaged in the cache']);
    }
  };
  // The large ones begin first, and the small ones go beside them.
  await Promise.all([atOnce(largeAtOnce, large, sendOne), atOnce(smallAtOnce, small, sendOne)]);
  return { sent, bytes, failed };
}

async function fetch(
  objects: ObjectStore,
  { root, signal }: Session,
  md5s: readonly string[],
  legacy: boolean,
  tell: (objects: number, bytes: number) => void,
): Promise<Fetched> {
  const failed: (readonly [string, string])[] = [];
  // Of lasting names: what a process that was killed fetched of a large object, the next one goes on with.
  const folder = join(root.cache, 'gyre', 'fetching');
  await mkdir(folder, { recursive: true });
  let [fetched, bytes] = [0, 0];
  const onBytes = (more: number): void => {
    bytes += more;
    tell(fetched, bytes);
  };
  const made = new Set<string>();
  await atOnce(smallAtOnce, md5s, async (md5) => {
    const part = join(folder, md5);
    const target = legacy ? legacyObjectPath(root.cache, md5) : objectPath(root.cache, md5);
    try {
      await objects.getFile(keyOf(md5, legacy), part, { ...(legacy ? {} : { md5 }), signal, onBytes });
    } catch (error) {
      if (!hasCode(error, 'NOT_FOUND') && !hasCode(error, 'DATA_LOSS')) throw error;
      failed.push([md5, `${hasCode(error, 'NOT_FOUND') ? 'missing' : 'damaged'} in the remote`]);
      return;
    }
    const parent = dirname(target);
    if (!made.has(parent)) await mkdir(parent, { recursive: true });
    made.add(parent);
    await chmod(part, objectMode);
    await rename(part, target);
    fetched += 1;
    tell(fetched, bytes);
  });
  // Another process may be fetching into a cache that it shares.
  await rmdir(folder).catch(() => undefined);
  return { fetched, failed };
}
