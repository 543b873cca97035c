import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';

/** A file of an archive: its bytes, or the file on this disk that holds them. */
export interface ArchiveFile {
  /** Where it lies in the archive: relative, with `/` between. */
  readonly path: string;
  readonly content: Uint8Array | { readonly file: string };
  /** Default 0o644. */
  readonly mode?: number;
}

/** A folder that is more than the way to a file: empty, or with rights of its own. */
export interface ArchiveFolder {
  readonly path: string;
  readonly folder: true;
  /** Default 0o755. */
  readonly mode?: number;
}

export type ArchiveEntry = ArchiveFile | ArchiveFolder;

const block = 512;
const nameBytes = 100;
/** A size field holds eleven octal digits. */
const largestPlainSize = 0o77777777777;

/**
 * Writes an archive (POSIX.1-2001 `ustar`, with `pax` records for what its fields cannot hold). Equal entries give equal bytes: they are
 * sorted by path, with every folder before what lies in it, and belong to user and group 0 at the instant 0, whatever the disk says.
 * @throws Error when a file cannot be read, or changed its size while it was
 */
export async function* archiveOf(entries: readonly ArchiveEntry[]): AsyncGenerator<Uint8Array> {
  for (const entry of inOrder(entries)) {
    if ('folder' in entry) {
      yield* headers(`${entry.path}/`, 0, entry.mode ?? 0o755, '5');
      continue;
    }
    const { content, mode = 0o644 } = entry;
    const size = content instanceof Uint8Array ? content.length : (await stat(content.file)).size;
    yield* headers(entry.path, size, mode, '0');
    if (content instanceof Uint8Array) yield content;
    else yield* exactly(content.file, size);
    if (size % block > 0) yield Buffer.alloc(block - (size % block));
  }
  yield Buffer.alloc(2 * block);
}

/** With the folders that lead to each file, in the order of the bytes of their paths. */
function inOrder(entries: readonly ArchiveEntry[]): readonly ArchiveEntry[] {
  const all = new Map<string, ArchiveEntry>();
  for (const entry of entries) {
    for (let at = entry.path.indexOf('/'); at > 0; at = entry.path.indexOf('/', at + 1)) {
      const path = entry.path.slice(0, at);
      if (!all.has(path)) all.set(path, { path, folder: true });
    }
  }
  for (const entry of entries) all.set(entry.path, entry);
  return [...all.values()].sort((left, right) => Buffer.compare(Buffer.from(left.path), Buffer.from(right.path)));
}

function* headers(path: string, size: number, mode: number, type: '0' | '5'): Generator<Uint8Array> {
  const records = [
    ...(Buffer.byteLength(path) > nameBytes || !isAscii(path) ? [record('path', path)] : []),
    ...(size > largestPlainSize ? [record('size', String(size))] : []),
  ].join('');
  if (records !== '') {
    const bytes = Buffer.from(records);
    yield header('pax', bytes.length, 0o644, 'x');
    yield bytes;
    if (bytes.length % block > 0) yield Buffer.alloc(block - (bytes.length % block));
  }
  yield header(path, size > largestPlainSize ? 0 : size, mode, type);
}

const isAscii = (text: string): boolean => !/[^\u0020-\u007e]/.test(text);

/** `LENGTH KEY=VALUE\n`, where the length counts its own digits. */
function record(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + 1;
  while (String(length).length + rest !== length) length = String(length).length + rest;
  return `${length} ${key}=${value}\n`;
}

function header(path: string, size: number, mode: number, type: '0' | '5' | 'x'): Uint8Array {
  const bytes = Buffer.alloc(block);
  // A longer name is whole in the pax record; what reads no such records sees its beginning.
  Buffer.from(path).copy(bytes, 0, 0, nameBytes);
  const octal = (value: number, at: number, digits: number): void =>
    void bytes.write(value.toString(8).padStart(digits, '0'), at, 'latin1');
  octal(mode, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(size, 124, 11);
  octal(0, 136, 11);
  bytes.fill(' ', 148, 156);
  bytes.write(type, 156, 'latin1');
  bytes.write('ustar\u000000', 257, 'latin1');
  let sum = 0;
  for (const byte of bytes) sum += byte;
  octal(sum, 148, 6);
  bytes[154] = 0;
  return bytes;
}

async function* exactly(file: string, size: number): AsyncGenerator<Uint8Array> {
  let read = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
    read += (chunk as Buffer).length;
    yield chunk as Buffer;
  }
  if (read !== size) throw new Error(`${file} changed while it was packed: ${read} bytes instead of ${size}`);
}
