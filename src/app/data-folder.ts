import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { GyreError, isoInstant, messageOf, type Clock, noFaults, type Faults } from '#core';
import { replaceFile } from './replace-file.ts';

/** Who owns a data folder, as `server.json` says it to other processes. */
export interface ServerInfo {
  readonly pid: number;
  readonly address: string;
  readonly startedAt: string;
  readonly version: string;
  /** File of the certificate (PEM) that it shows, where it speaks TLS. */
  readonly certificate?: string;
}

/** A data folder held by this process: everything that the platform keeps lies under it. */
export interface DataFolder extends Disposable {
  readonly path: string;
  readonly blobs: string;
  /** Copies of blobs that are elsewhere. */
  readonly blobCache: string;
  /** Environments and copies of models in Python. */
  readonly python: string;
  readonly database: string;
  readonly planes: string;
  /** For files on their way elsewhere; empty at every start. */
  readonly temporary: string;
  /** Tells other processes where this one listens. */
  announce(info: Omit<ServerInfo, 'pid' | 'startedAt'>): void;
  /** A secret kept in the folder, readable by its owner alone; undefined when it was never written. */
  readSecret(name: string): string | undefined;
  writeSecret(name: string, value: string): void;
}

/**
 * Takes a data folder for this process. The lock is SQLite's own on a small file: the kernel lets go of it
 * when the process ends, however it ends, so no stale lock is ever left.
 * @throws GyreError ALREADY_EXISTS when another process holds it, PERMISSION_DENIED when the folder can't be written
 */
export function holdDataFolder(path: string, clock: Clock, faults: Faults = noFaults): DataFolder {
  try {
    makeFolder(path);
  } catch (error) {
    throw new GyreError(
      'PERMISSION_DENIED',
      `cannot write the data folder ${path}: ${messageOf(error)}; give another with --data DIR`,
      { path },
      { cause: error },
    );
  }
  const lock = takeLock(path);
  const infoPath = join(path, 'server.json');
  rmSync(infoPath, { force: true });
  const temporary = join(path, 'tmp');
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary, { mode: 0o700 });
  return {
    path,
    blobs: join(path, 'blobs'),
    blobCache: join(path, 'blob-cache'),
    python: join(path, 'python'),
    database: join(path, 'gyre.db'),
    planes: join(path, 'planes'),
    temporary,
    announce: (info) => {
      const full: ServerInfo = { pid: process.pid, startedAt: isoInstant(clock.now()), ...info };
      replaceFile(infoPath, `${JSON.stringify(full, undefined, 2)}\n`, 0o600, faults);
    },
    readSecret: (name) => readIfThere(join(path, 'secrets', name)),
    writeSecret: (name, value) => {
      mkdirSync(join(path, 'secrets'), { recursive: true, mode: 0o700 });
      replaceFile(join(path, 'secrets', name), value, 0o600, faults);
    },
    [Symbol.dispose]: () => {
      rmSync(infoPath, { force: true });
      lock.close();
    },
  };
}

/** What the process that owns a data folder said of itself; undefined when none does. */
export function readServerInfo(path: string): ServerInfo | undefined {
  const info = announced(path);
  return info === undefined || !isHeld(path) ? undefined : info;
}

function announced(path: string): ServerInfo | undefined {
  const text = readIfThere(join(path, 'server.json'));
  return text === undefined ? undefined : (JSON.parse(text) as ServerInfo);
}

/** The Ed25519 key that signs release manifests: made at the first start, kept in the folder. @returns PEM texts */
export function signingKey(folder: DataFolder): { readonly privateKey: string; readonly publicKey: string } {
  const kept = folder.readSecret('manifest-key.pem');
  if (kept !== undefined) {
    // Made from the private one: losing the public file must not lead to another key, which data planes would not believe.
    const publicKey = createPublicKey(kept).export({ type: 'spki', format: 'pem' }).toString();
    if (folder.readSecret('manifest-key.pub.pem') !== publicKey) folder.writeSecret('manifest-key.pub.pem', publicKey);
    return { privateKey: kept, publicKey };
  }
  const pair = generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  folder.writeSecret('manifest-key.pem', pair.privateKey);
  folder.writeSecret('manifest-key.pub.pem', pair.publicKey);
  return { privateKey: pair.privateKey, publicKey: pair.publicKey };
}

/** A key of 32 bytes that is kept in the folder: made when it is first asked for. */
export function secretKey(
  folder: Pick<DataFolder, 'readSecret' | 'writeSecret'>,
  name: string,
  randomBytes: (length: number) => Uint8Array,
): Uint8Array {
  const kept = folder.readSecret(name);
  if (kept !== undefined) return Buffer.from(kept, 'base64');
  const key = randomBytes(32);
  folder.writeSecret(name, Buffer.from(key).toString('base64'));
  return key;
}

/** Whoever only looks whether the folder is held has the lock for a moment: who wants it waits for so long. */
const probeMs = 250;

/** Locks a folder for this process, by a small file in it. @throws what SQLite throws when another process has it for longer than `timeout` ms */
export function openLock(path: string, timeout: number): DatabaseSync {
  const lock = new DatabaseSync(join(path, 'lock.db'), { timeout });
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock.close();
    throw error;
  }
}

/** Folder by folder: Node's own recursion never ends where a file system answers ENOENT for a folder whose parent is there (/proc). */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}

function takeLock(path: string): DatabaseSync {
  try {
    return openLock(path, probeMs);
  } catch (error) {
    if (!isLocked(error)) {
      throw new GyreError(
        'PERMISSION_DENIED',
        `cannot write the data folder ${path}: ${messageOf(error)}; give another with --data DIR`,
        { path },
        { cause: error },
      );
    }
    const info = announced(path);
    throw new GyreError(
      'ALREADY_EXISTS',
      info === undefined
        ? `another gyre process is using ${path}; wait until it ends, or give another folder with --data DIR`
        : `gyre (process ${info.pid}) is using ${path} and serves ${info.address}; stop it, or give another folder with --data DIR`,
      { path, ...info },
      { cause: error },
    );
  }
}

function isHeld(path: string): boolean {
  try {
    openLock(path, 0).close();
    return false;
  } catch (error) {
    return isLocked(error);
  }
}

const SQLITE_BUSY = 5;

function isLocked(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    // Below a regular file there is nothing, either.
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
