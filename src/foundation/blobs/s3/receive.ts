import { createHash } from 'node:crypto';
import { constants, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { GyreError, hasCode } from '#core';
import { fileBytes } from '../file-bytes.ts';
import { fromFileSystem, isMissing, syncFolder } from '../incoming.ts';
import { Expected } from '../objects/transfer.ts';
import type { TransferOptions } from '../objects/port.ts';
import type { S3Answer, S3Client } from './client.ts';
import { objectBytes, versionOf } from './download.ts';
import type { ObjectVersion } from './download.ts';

/** From this size on a part that is there already is worth going on with. */
const resumedBytes = 4 * 1024 * 1024;

export interface Receiving {
  readonly client: S3Client;
  /** The whole key in the bucket. */
  readonly key: string;
  readonly path: string;
  readonly options: TransferOptions;
  /** Flush before the file gets its name. */
  readonly durable: boolean;
  /** Names a file that nobody else writes. */
  readonly unique: () => string;
}

/**
 * Fetches an object into a file. A large one is gathered in `<path>.<version>.part`, which another call, also of another process,
 * goes on with: its name holds the object's version, and each byte has its place, so that two writers never harm each other.
 * @throws GyreError NOT_FOUND, DATA_LOSS, ABORTED when the object changed meanwhile
 */
export async function receiveFile(receiving: Receiving): Promise<ObjectVersion> {
  const { client, key, options } = receiving;
  const answer = await client.send({ method: 'GET', key, ...(options.signal === undefined ? {} : { signal: options.signal }) });
  const version = versionOf(key, answer.headers);
  try {
    await (version.size < resumedBytes ? receiveAtOnce(receiving, version, answer) : receiveOn(receiving, version, answer));
  } catch (error) {
    throw fromFileSystem(error, receiving.path);
  } finally {
    answer.body.destroy();
  }
  return version;
}

async function receiveAtOnce(
  { client, key, path, options, durable, unique }: Receiving,
  version: ObjectVersion,
  answer: S3Answer,
): Promise<void> {
  const expected = new Expected(options);
  const chunks: Uint8Array[] = [];
  for await (const chunk of objectBytes(client, version, { start: 0, end: version.size }, options.signal, answer.body)) {
    expected.update(chunk);
    chunks.push(chunk);
    options.onBytes?.(chunk.byteLength);
  }
  expected.require(`s3://${client.bucket}/${key}`);
  const part = unique();
  try {
    const file = await open(part, 'w');
    try {
      await file.writeFile(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
      if (durable) await file.sync();
    } finally {
      await file.close();
    }
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true }).catch(() => undefined);
    throw error;
  }
  if (durable) await syncFolder(dirname(path));
}

async function receiveOn(receiving: Receiving, version: ObjectVersion, answer: S3Answer): Promise<void> {
  const { client, key, path, options, durable } = receiving;
  const tag = createHash('sha256').update(`${client.bucket}\n${key}\n${version.etag}\n${version.size}`).digest('hex').slice(0, 12);
  const part = `${path}.${tag}.part`;
  const name = `s3://${client.bucket}/${key}`;
  const hasPart = await fill(receiving, version, part, answer);
  if (hasPart.mismatch !== undefined) {
    await rm(part, { force: true });
    // The part may be to blame, where the machine lost power: once more from the start.
    const again = hasPart.resumed ? await fill(receiving, version, part) : hasPart;
    if (again.mismatch !== undefined) {
      await rm(part, { force: true });
      const { name: digest, wanted, found } = again.mismatch;
      throw new GyreError('DATA_LOSS', `${name} is corrupt: its ${digest} is ${found}, it should be ${wanted}`, { key, found, wanted });
    }
  }
  try {
    await rename(part, path);
  } catch (error) {
    // Another call was done with the same part first.
    if (!isMissing(error) || (await sizeOf(path)) !== version.size) throw error;
    if (options.md5 === undefined && options.sha256 === undefined) return;
    const expected = new Expected(options);
    for await (const chunk of fileBytes(path)) expected.update(chunk);
    expected.require(path);
  }
  if (durable) await syncFolder(dirname(path));
}

interface Filled {
  readonly resumed: boolean;
  readonly mismatch: ReturnType<Expected['mismatch']>;
}

/** Adds to the part what it lacks. */
async function fill({ client, options, durable }: Receiving, version: ObjectVersion, part: string, answer?: S3Answer): Promise<Filled> {
  const expected = new Expected(options);
  const file = await open(part, constants.O_RDWR | constants.O_CREAT, 0o644);
  try {
    const start = Math.min((await file.stat()).size, version.size);
    if (start > 0) {
      answer?.body.destroy();
      for await (const chunk of fileBytes(part, { start: 0, end: start })) expected.update(chunk);
      options.onBytes?.(start);
    }
    let at = start;
    for await (const chunk of objectBytes(
      client,
      version,
      { start, end: version.size },
      options.signal,
      start === 0 ? answer?.body : undefined,
    )) {
      for (let written = 0; written < chunk.byteLength;) {
        written += (await file.write(chunk, written, chunk.byteLength - written, at + written)).bytesWritten;
      }
      at += chunk.byteLength;
      expected.update(chunk);
      options.onBytes?.(chunk.byteLength);
    }
    if (durable) await file.sync();
    return { resumed: start > 0, mismatch: expected.mismatch() };
  } catch (error) {
    if (hasCode(error, 'ABORTED') || hasCode(error, 'NOT_FOUND')) await rm(part, { force: true }).catch(() => undefined);
    throw error;
  } finally {
    await file.close();
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
