import { constants, copyFile, mkdir, mkdtemp, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import type { Dirent } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { GyreError } from '#core';
import { fileBytes, requireRange } from '../file-bytes.ts';
import { fromFileSystem, isAlive, isMissing, syncFolder, systemCode } from '../incoming.ts';
import type { ByteRange } from '../port.ts';
import { touch } from '../touch.ts';
import { Expected, requireGoing } from './transfer.ts';
import { compareKeys, isObjectKey, noObject, requireKey } from './keys.ts';
import type { ObjectStat, ObjectStore, TransferOptions } from './port.ts';

export interface FolderObjectsOptions {
  readonly dir: string;
  /** Default true. False leaves flushing to the file system, as DVC does: faster, and a power cut may take what was just put. */
  readonly durable?: boolean;
}

/** Names below the folder that begin so are on their way in, and no objects. */
const incomingPrefix = '.incoming-';

/** Up to this size a file is read at once. */
const atOnceBytes = 1024 * 1024;

/** Objects as files below a folder, which is made at the first `put`; several processes, also of several machines, may use it at once. */
export function openFolderObjects({ dir, durable = true }: FolderObjectsOptions): ObjectStore {
  return new FolderObjects(dir, durable);
}

class FolderObjects implements ObjectStore {
  readonly address: string;
  readonly #durable: boolean;
  readonly #made = new Set<string>();
  #incoming: Promise<string> | undefined;
  #count = 0;

  constructor(dir: string, durable: boolean) {
    this.address = dir;
    this.#durable = durable;
  }

  async stat(key: string): Promise<ObjectStat | undefined> {
    const path = this.#path(key);
    try {
      const found = await stat(path);
      return found.isFile() ? { key, size: found.size, modifiedAt: Math.floor(found.mtimeMs) } : undefined;
    } catch (error) {
      if (isMissing(error) || systemCode(error) === 'ENOTDIR') return undefined;
      throw fromFileSystem(error, path);
    }
  }

  async *list(prefix = ''): AsyncGenerator<ObjectStat> {
    yield* this.#walk(prefix.slice(0, prefix.lastIndexOf('/') + 1), prefix);
  }

  /** @param folder a key's beginning that ends in "/", or nothing */
  async *#walk(folder: string, prefix: string): AsyncGenerator<ObjectStat> {
    if (folder !== '' && !isObjectKey(folder.slice(0, -1))) return;
    const names = (await entriesOf(join(this.address, folder)))
      .filter(({ name }) => !name.startsWith(incomingPrefix))
      // A folder stands where its "/" puts the keys within it.
      .map((entry) => ({ key: `${folder}${entry.name}${entry.isDirectory() ? '/' : ''}`, isFolder: entry.isDirectory() }))
      .toSorted((left, right) => compareKeys(left.key, right.key));
    for (const { key, isFolder } of names) {
      if (isFolder && (key.startsWith(prefix) || prefix.startsWith(key))) yield* this.#walk(key, prefix);
      if (isFolder || !key.startsWith(prefix)) continue;
      const found = await this.stat(key);
      if (found !== undefined) yield found;
    }
  }

  async put(key: string, bytes: Uint8Array, options: TransferOptions = {}): Promise<void> {
    const expected = new Expected(options);
    expected.update(bytes);
    expected.require(`what is to be put as ${key}`);
    await this.#place(key, options, async (path) => {
      const file = await open(path, 'w', 0o444);
      try {
        await file.writeFile(bytes);
        if (this.#durable) await file.sync();
      } finally {
        await file.close();
      }
    });
    options.onBytes?.(bytes.byteLength);
  }

  async putFile(key: string, path: string, options: TransferOptions = {}): Promise<void> {
    const found = await stat(path).catch((error: unknown) => {
      throw fromFileSystem(error, path);
    });
    if (!found.isFile()) throw new GyreError('INVALID_ARGUMENT', `${path} is not a file`);
    if (found.size <= atOnceBytes) {
      await this.put(key, await readFile(path), options);
      return;
    }
    await this.#place(key, options, (incoming) => copyChecked(path, incoming, path, this.#durable, options));
  }

  async getFile(key: string, path: string, options: TransferOptions = {}): Promise<ObjectStat> {
    const found = await this.stat(key);
    if (found === undefined) throw noObject(this.address, key);
    const part = `${path}.${process.pid}-${++this.#count}.part`;
    try {
      await copyChecked(this.#path(key), part, `${this.address}/${key}`, this.#durable, options);
      await rename(part, path);
      if (this.#durable) await syncFolder(dirname(path));
    } catch (error) {
      await rm(part, { force: true }).catch(() => undefined);
      throw fromFileSystem(error, path);
    }
    return found;
  }

  async open(key: string, range?: ByteRange): Promise<AsyncIterable<Uint8Array>> {
    const found = await this.stat(key);
    if (found === undefined) throw noObject(this.address, key);
    const { start, end } = requireRange(`object ${key}`, range, found.size);
    return start === end ? nothing() : fileBytes(this.#path(key), { start, end });
  }

  async read(key: string): Promise<Uint8Array> {
    const path = this.#path(key);
    try {
      return await readFile(path);
    } catch (error) {
      throw (await this.stat(key)) === undefined ? noObject(this.address, key) : fromFileSystem(error, path);
    }
  }

  async renew(key: string): Promise<boolean> {
    const path = this.#path(key);
    if ((await this.stat(key)) === undefined) return false;
    try {
      await touch(path);
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw fromFileSystem(error, path);
    }
  }

  async delete(key: string): Promise<void> {
    const path = this.#path(key);
    try {
      await rm(path);
      if (this.#durable) await syncFolder(dirname(path));
    } catch (error) {
      if (!isMissing(error) && systemCode(error) !== 'ENOTDIR') throw fromFileSystem(error, path);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const incoming = await this.#incoming?.catch(() => undefined);
    this.#incoming = undefined;
    if (incoming !== undefined) await rm(incoming, { recursive: true, force: true });
  }

  /** Has a file written under a name that is nobody else's, and gives it its own. */
  async #place(key: string, { signal }: TransferOptions, write: (path: string) => Promise<void>): Promise<void> {
    const path = this.#path(key);
    requireGoing(signal);
    let incoming: string | undefined;
    try {
      incoming = join(await (this.#incoming ??= makeIncoming(this.address)), String(++this.#count));
      await write(incoming);
      requireGoing(signal);
      await this.#makeFolder(dirname(path));
      await rename(incoming, path);
      if (this.#durable) await syncFolder(dirname(path));
    } catch (error) {
      if (incoming !== undefined) await rm(incoming, { force: true }).catch(() => undefined);
      throw fromFileSystem(error, path);
    }
  }

  async #makeFolder(folder: string): Promise<void> {
    if (this.#made.has(folder)) return;
    const first = await mkdir(folder, { recursive: true });
    // Each new folder is an entry of the one above it.
    if (first !== undefined && this.#durable) {
      for (let above = dirname(folder); above.length >= dirname(first).length; above = dirname(above)) await syncFolder(above);
    }
    this.#made.add(folder);
  }

  #path(key: string): string {
    requireKey(key);
    if (key.startsWith(incomingPrefix)) {
      throw new GyreError(
        'INVALID_ARGUMENT',
        `${JSON.stringify(key)} is no key here: names with ${incomingPrefix} are for files on their way`,
      );
    }
    return join(this.address, key);
  }
}

/** Makes a folder for files on their way, and sweeps away those that ended processes of this machine left. */
async function makeIncoming(dir: string): Promise<string> {
  await mkdir(dir, { recursive: true });
  const ours = `${incomingPrefix}${hostname()}-`;
  for (const { name } of await entriesOf(dir)) {
    const pid = name.startsWith(ours) ? Number(name.slice(ours.length).split('-')[0]) : process.pid;
    if (pid !== process.pid && !isAlive(pid)) await rm(join(dir, name), { recursive: true, force: true });
  }
  return mkdtemp(join(dir, `${ours}${process.pid}-`));
}

/** Copies a file, by reference where the file system can and nobody asks for a digest. */
async function copyChecked(from: string, to: string, name: string, durable: boolean, options: TransferOptions): Promise<void> {
  const expected = new Expected(options);
  requireGoing(options.signal);
  if (expected.any) {
    const file = await open(to, 'w', 0o644);
    try {
      for await (const chunk of fileBytes(from)) {
        requireGoing(options.signal);
        expected.update(chunk);
        await file.writeFile(chunk);
        options.onBytes?.(chunk.byteLength);
      }
      expected.require(name);
    } finally {
      await file.close();
    }
  } else {
    await copyFile(from, to, constants.COPYFILE_FICLONE);
    options.onBytes?.((await stat(to)).size);
  }
  const file = await open(to, 'r');
  try {
    await file.chmod(0o644);
    if (durable) await file.sync();
  } finally {
    await file.close();
  }
}

async function entriesOf(folder: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (isMissing(error) || systemCode(error) === 'ENOTDIR') return [];
    throw fromFileSystem(error, folder);
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
