import { constants, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { GyreError, hasCode, sha256 } from '#core';
import { fileBytes } from '../file-bytes.ts';
import { fromFileSystem, isMissing, syncFolder } from '../incoming.ts';
import { Expected } from './transfer.ts';
import type { TransferOptions } from './port.ts';

/** From this size on a part that is there already is worth going on with. */
const resumedBytes = 4 * 1024 * 1024;

/** One version of something elsewhere, about to be fetched. */
export interface Download {
  /** For messages, without secrets. */
  readonly name: string;
  /** Bytes; undefined when the other side does not say. */
  readonly size: number | undefined;
  /** Names this very version; undefined when nothing does, so that a part cannot be gone on with. */
  readonly version: string | undefined;
  /** The bytes from an offset on. @throws GyreError ABORTED (from the stream) when it is another version meanwhile */
  bytes(start: number): AsyncIterable<Uint8Array>;
}

export interface Place {
  readonly path: string;
  /** Flush before the file gets its name. */
  readonly durable: boolean;
  /** Names a file that nobody else writes. */
  readonly unique: () => string;
  /** No file grows beyond it. */
  readonly maxBytes?: number;
}

/**
 * Fetches into a file, which gets its name when it is complete and right. What is large is gathered in `<path>.<version>.part`, which
 * another call, also of another process, goes on with: its name holds the version, and each byte has its place, so that two writers never
 * harm each other.
 * @throws GyreError DATA_LOSS when the bytes are not those of the digests, RESOURCE_EXHAUSTED when there are more than allowed
 */
export async function receive(download: Download, place: Place, options: TransferOptions): Promise<void> {
  const { size, version } = download;
  if (size !== undefined) requireFits(size, download, place);
  try {
    if (version === undefined || size === undefined) await receiveAside(download, place, options);
    else if (size < resumedBytes) await receiveSmall(download, place, options);
    else await receiveInParts(download, place, options, size, `${place.path}.${sha256(`${download.name}\n${version}`).slice(0, 12)}.part`);
    if (place.durable) await syncFolder(dirname(place.path));
  } catch (error) {
    throw fromFileSystem(error, place.path);
  }
}

function requireFits(size: number, { name }: Download, { maxBytes = Infinity }: Place): void {
  if (size <= maxBytes) return;
  throw new GyreError('RESOURCE_EXHAUSTED', `${name} has ${size} bytes or more, and at most ${maxBytes} are taken`, { size, maxBytes });
}

async function receiveSmall(download: Download, { path, durable, unique }: Place, options: TransferOptions): Promise<void> {
  const expected = new Expected(options);
  const chunks: Uint8Array[] = [];
  for await (const chunk of download.bytes(0)) {
    expected.update(chunk);
    chunks.push(chunk);
    options.onBytes?.(chunk.byteLength);
  }
  expected.require(download.name);
  await underAnotherName(unique(), path, async (part) => {
    const file = await open(part, 'w');
    try {
      await file.writeFile(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
      if (durable) await file.sync();
    } finally {
      await file.close();
    }
  });
}

/** What nobody can go on with is written beside, and gone when it fails. */
async function receiveAside(download: Download, place: Place, options: TransferOptions): Promise<void> {
  await underAnotherName(place.unique(), place.path, async (part) => {
    const { mismatch } = await fill(download, place, options, part, undefined);
    if (mismatch !== undefined) throw corrupt(download, mismatch);
  });
}

async function underAnotherName(part: string, path: string, write: (part: string) => Promise<void>): Promise<void> {
  try {
    await write(part);
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true }).catch(() => undefined);
    throw error;
  }
}

async function receiveInParts(download: Download, place: Place, options: TransferOptions, size: number, part: string): Promise<void> {
  const first = await fill(download, place, options, part, size);
  if (first.mismatch !== undefined) {
    await rm(part, { force: true });
    // The part may be to blame, where the machine lost power: once more from the start.
    const again = first.resumed ? await fill(download, place, options, part, size) : first;
    if (again.mismatch !== undefined) {
      await rm(part, { force: true });
      throw corrupt(download, again.mismatch);
    }
  }
  try {
    await rename(part, place.path);
  } catch (error) {
    // Another call was done with the same part first.
    if (!isMissing(error) || (await sizeOf(place.path)) !== size) throw error;
    const expected = new Expected(options);
    if (expected.any) for await (const chunk of fileBytes(place.path)) expected.update(chunk);
    expected.require(place.path);
  }
}

interface Filled {
  readonly resumed: boolean;
  readonly mismatch: ReturnType<Expected['mismatch']>;
}

/** Adds to the part what it lacks. */
async function fill(download: Download, place: Place, options: TransferOptions, part: string, size: number | undefined): Promise<Filled> {
  const expected = new Expected(options);
  const file = await open(part, constants.O_RDWR | constants.O_CREAT, 0o644);
  try {
    const start = size === undefined ? 0 : Math.min((await file.stat()).size, size);
    if (start > 0) {
      for await (const chunk of fileBytes(part, { start: 0, end: start })) expected.update(chunk);
      options.onBytes?.(start);
    }
    let at = start;
    for await (const chunk of download.bytes(start)) {
      requireFits(at + chunk.byteLength, download, place);
      for (let written = 0; written < chunk.byteLength;) {
        written += (await file.write(chunk, written, chunk.byteLength - written, at + written)).bytesWritten;
      }
      at += chunk.byteLength;
      expected.update(chunk);
      options.onBytes?.(chunk.byteLength);
    }
    if (place.durable) await file.sync();
    return { resumed: start > 0, mismatch: expected.mismatch() };
  } catch (error) {
    // Of a version that is no more, nobody needs a part.
    if (hasCode(error, 'ABORTED') || hasCode(error, 'NOT_FOUND')) await rm(part, { force: true }).catch(() => undefined);
    throw error;
  } finally {
    await file.close();
  }
}

function corrupt({ name }: Download, { name: digest, wanted, found }: NonNullable<Filled['mismatch']>): GyreError {
  return new GyreError('DATA_LOSS', `${name} is corrupt: its ${digest} is ${found}, it should be ${wanted}`, { name, found, wanted });
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
