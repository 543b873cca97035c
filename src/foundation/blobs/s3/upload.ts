import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { GyreError, hasCode } from '#core';
import { fromFileSystem } from '../incoming.ts';
import { Expected, requireGoing } from '../objects/transfer.ts';
import type { TransferOptions } from '../objects/port.ts';
import type { S3Client } from './client.ts';
import { elements, escapeXml, textOf } from './xml.ts';

const mebibyte = 1024 * 1024;

/** The least part that S3 takes is 5 MiB, and 10,000 of them are the most of one object. */
const partBytes = 8 * mebibyte;
const mostParts = 10_000;
/** Up to so much one request carries it all. */
export const singleBytes = 16 * mebibyte;
/** Parts on their way at once, and how much memory they may hold. */
const partsAtOnce = 4;
const memoryBytes = 256 * mebibyte;

/** @returns the size of an object's parts: whole mebibytes, so that a later attempt cuts in the same places */
export function partSize(size: number): number {
  return Math.max(partBytes, Math.ceil(size / mostParts / mebibyte) * mebibyte);
}

interface Part {
  readonly number: number;
  readonly etag: string;
  readonly size: number;
}

/**
 * Sends a file in one request or, when it is large, in parts. Parts that an earlier attempt left with the server are not sent again:
 * they are those whose ETag is the MD5 of the same bytes here (a server that encrypts by a key of its own has other ETags; there all is sent).
 * @throws GyreError DATA_LOSS when the file's bytes are not those of the digests, ABORTED when the file changed meanwhile
 */
export async function uploadFile(client: S3Client, key: string, path: string, options: TransferOptions): Promise<void> {
  requireGoing(options.signal);
  const file = await open(path, 'r').catch((error: unknown) => {
    throw fromFileSystem(error, path);
  });
  try {
    const before = await file.stat();
    if (!before.isFile()) throw new GyreError('INVALID_ARGUMENT', `${path} is not a file`);
    const unchanged = async (): Promise<void> => {
      const after = await file.stat();
      if (after.size !== before.size || after.mtimeMs !== before.mtimeMs) {
        throw new GyreError('ABORTED', `${path} changed while it was sent: send it again`, { path });
      }
    };
    if (before.size <= singleBytes) {
      const bytes = await readAt(file, 0, before.size, path);
      await unchanged();
      await uploadBytes(client, key, bytes, options, path);
      return;
    }
    const send = (resume: boolean): Promise<void> =>
      new Upload(client, key, { file, path, size: before.size, unchanged }, options).send(resume);
    await send(true).catch((error: unknown) => {
      // Somebody else finished, ended or overwrote the parts that were there: with parts of our own there is no such trouble.
      if (hasCode(error, 'CANCELLED') || !isTakenOver(error)) throw error;
      return send(false);
    });
  } finally {
    await file.close();
  }
}

function isTakenOver(error: unknown): boolean {
  const words = ['NoSuchUpload', 'InvalidPart', 'InvalidPartOrder'];
  return error instanceof GyreError && words.includes(String(error.details['s3']));
}

/** Sends bytes in one request; the server checks their SHA-256, which is signed. */
export async function uploadBytes(client: S3Client, key: string, bytes: Uint8Array, options: TransferOptions, what: string): Promise<void> {
  const expected = new Expected(options);
  expected.update(bytes);
  expected.require(what);
  const { sha256, signal } = options;
  const { body } = await client.send({
    method: 'PUT',
    key,
    body: bytes,
    ...(sha256 === undefined ? {} : { bodySha256: sha256.toLowerCase() }),
    ...(signal === undefined ? {} : { signal }),
  });
  body.resume();
  options.onBytes?.(bytes.byteLength);
}

interface Source {
  readonly file: FileHandle;
  readonly path: string;
  readonly size: number;
  /** @throws GyreError ABORTED */
  readonly unchanged: () => Promise<void>;
}

class Upload {
  readonly #client: S3Client;
  readonly #key: string;
  readonly #source: Source;
  readonly #options: TransferOptions;
  readonly #signal: { readonly signal?: AbortSignal };

  constructor(client: S3Client, key: string, source: Source, options: TransferOptions) {
    this.#client = client;
    this.#key = key;
    this.#source = source;
    this.#options = options;
    this.#signal = options.signal === undefined ? {} : { signal: options.signal };
  }

  async send(resume: boolean): Promise<void> {
    const left = resume ? await this.#leftUpload() : undefined;
    const upload = left ?? (await this.#begin());
    const there = left === undefined ? new Map<number, Part>() : await this.#partsOf(left);
    try {
      const parts = await this.#sendParts(upload, there);
      await this.#source.unchanged();
      await this.#complete(upload, parts);
    } catch (error) {
      // What is wrong with the file stays wrong; after any other trouble the parts wait for the next attempt.
      if (hasCode(error, 'DATA_LOSS') || hasCode(error, 'ABORTED')) await this.#abort(upload).catch(() => undefined);
      throw error;
    }
  }

  /** The upload of this key that was begun last and never completed. */
  async #leftUpload(): Promise<string | undefined> {
    const { text } = await this.#client.text({
      method: 'GET',
      query: { uploads: '', prefix: this.#key, 'max-uploads': '1000' },
      // Whoever may write need not be allowed to list.
      accept: [403, 501],
      ...this.#signal,
    });
    const left = elements(text, 'Upload').filter((upload) => textOf(upload, 'Key') === this.#key);
    const [last] = left.toSorted((a, b) => (textOf(b, 'Initiated') ?? '').localeCompare(textOf(a, 'Initiated') ?? ''));
    return last === undefined ? undefined : textOf(last, 'UploadId');
  }

  async #partsOf(upload: string): Promise<Map<number, Part>> {
    const parts = new Map<number, Part>();
    let marker = '0';
    for (;;) {
      const { text } = await this.#client.text({
        method: 'GET',
        key: this.#key,
        query: { uploadId: upload, 'part-number-marker': marker },
        ...this.#signal,
      });
      for (const part of elements(text, 'Part')) {
        const number = Number(textOf(part, 'PartNumber'));
        parts.set(number, { number, etag: bare(textOf(part, 'ETag')), size: Number(textOf(part, 'Size')) });
      }
      const next = textOf(text, 'NextPartNumberMarker');
      if (textOf(text, 'IsTruncated') !== 'true' || next === undefined || next === marker) return parts;
      marker = next;
    }
  }

  async #begin(): Promise<string> {
    const { text } = await this.#client.text({ method: 'POST', key: this.#key, query: { uploads: '' }, ...this.#signal });
    const upload = textOf(text, 'UploadId');
    if (upload === undefined) throw new GyreError('UNAVAILABLE', `${this.#key}: the server began no upload; does the endpoint speak S3?`);
    return upload;
  }

  /** Reads the file once, in its order, while parts are on their way. @throws GyreError DATA_LOSS when the digests are others */
  async #sendParts(upload: string, there: ReadonlyMap<number, Part>): Promise<readonly Part[]> {
    const { size, path } = this.#source;
    const step = partSize(size);
    const expected = new Expected(this.#options);
    const parts: Promise<Part>[] = [];
    const going = new Set<Promise<unknown>>();
    const atOnce = Math.max(1, Math.min(partsAtOnce, Math.floor(memoryBytes / step)));
    try {
      for (let start = 0; start < size; start += step) {
        const { bytes, md5, sha256 } = await this.#readPart(start, Math.min(step, size - start), expected);
        const number = parts.length + 1;
        const kept = there.get(number);
        const sent =
          kept?.etag === md5 && kept.size === bytes.byteLength ? Promise.resolve(kept) : this.#sendPart(upload, number, bytes, sha256);
        parts.push(sent);
        const ended = sent.then(() => {
          going.delete(ended);
          this.#options.onBytes?.(bytes.byteLength);
        });
        going.add(ended);
        // Awaited below; until then a failure is nobody's surprise.
        ended.catch(() => undefined);
        while (going.size >= atOnce) await Promise.race(going);
      }
      expected.require(path);
      await Promise.all(going);
    } finally {
      // Nothing goes on behind the caller's back.
      await Promise.allSettled(parts);
    }
    return Promise.all(parts);
  }

  async #readPart(
    start: number,
    length: number,
    expected: Expected,
  ): Promise<{ readonly bytes: Buffer; readonly md5: string; readonly sha256: string }> {
    const bytes = await readAt(this.#source.file, start, length, this.#source.path, this.#options.signal);
    const md5 = createHash('md5');
    const sha256 = createHash('sha256');
    for (let at = 0; at < length; at += mebibyte) {
      const piece = bytes.subarray(at, at + mebibyte);
      for (const hash of [md5, sha256, expected]) hash.update(piece);
      // Between two pieces others have their turn.
      await new Promise(setImmediate);
    }
    return { bytes, md5: md5.digest('hex'), sha256: sha256.digest('hex') };
  }

  async #sendPart(upload: string, number: number, bytes: Uint8Array, sha256: string): Promise<Part> {
    const { headers, body } = await this.#client.send({
      method: 'PUT',
      key: this.#key,
      query: { partNumber: String(number), uploadId: upload },
      body: bytes,
      bodySha256: sha256,
      ...this.#signal,
    });
    body.resume();
    return { number, etag: bare(headers.etag), size: bytes.byteLength };
  }

  async #complete(upload: string, parts: readonly Part[]): Promise<void> {
    requireGoing(this.#options.signal);
    const listed = parts.map(({ number, etag }) => `<Part><PartNumber>${number}</PartNumber><ETag>"${escapeXml(etag)}"</ETag></Part>`);
    const body = Buffer.from(`<CompleteMultipartUpload>${listed.join('')}</CompleteMultipartUpload>`);
    const { text } = await this.#client.text({ method: 'POST', key: this.#key, query: { uploadId: upload }, body });
    // S3 may begin a success and end it as an error.
    if (text.includes('<Error>')) {
      const word = textOf(text, 'Code') ?? '';
      throw new GyreError('UNAVAILABLE', `${this.#key}: the parts could not be joined (${word}): send it again`, { s3: word });
    }
  }

  async #abort(upload: string): Promise<void> {
    const { body } = await this.#client.send({ method: 'DELETE', key: this.#key, query: { uploadId: upload }, accept: [404] });
    body.resume();
  }
}

const bare = (etag: string | undefined): string => (etag ?? '').replaceAll('"', '');

async function readAt(file: FileHandle, start: number, length: number, path: string, signal?: AbortSignal): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  for (let read = 0; read < length;) {
    requireGoing(signal);
    const { bytesRead } = await file.read(bytes, read, Math.min(length - read, 4 * mebibyte), start + read);
    if (bytesRead === 0) throw new GyreError('ABORTED', `${path} became shorter while it was sent: send it again`, { path });
    read += bytesRead;
  }
  return bytes;
}
