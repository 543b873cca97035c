import { GyreError, hasCode } from '#core';
import { requireRange } from '../file-bytes.ts';
import type { ByteRange } from '../port.ts';
import { isObjectKey, noObject, requireKey } from '../objects/keys.ts';
import type { ObjectStat, ObjectStore, TransferOptions } from '../objects/port.ts';
import { S3Client } from './client.ts';
import { parseS3Address } from './connection.ts';
import type { S3Connection, S3World } from './connection.ts';
import { downloadObject, objectBytes, versionOf } from './download.ts';
import type { ObjectVersion } from './download.ts';
import { renewObject } from './renew.ts';
import { uploadBytes, uploadFile } from './upload.ts';
import { elements, textOf } from './xml.ts';

export interface S3ObjectsOptions {
  readonly connection: S3Connection;
  readonly world: S3World;
  /** Default true: what is fetched is flushed before it gets its name. */
  readonly durable?: boolean;
}

/** Objects in a bucket of S3 or of a service that speaks it. @throws GyreError INVALID_ARGUMENT when address or endpoint are none */
export function openS3Objects(address: string, options: S3ObjectsOptions): ObjectStore {
  const { bucket, prefix } = parseS3Address(address);
  return new S3Objects(new S3Client(bucket, options.connection, options.world), prefix, options.durable ?? true);
}

class S3Objects implements ObjectStore {
  readonly address: string;
  readonly #client: S3Client;
  readonly #prefix: string;
  readonly #durable: boolean;
  #count = 0;
  #bucketSeen = false;

  constructor(client: S3Client, prefix: string, durable: boolean) {
    this.address = `s3://${client.bucket}/${prefix}`.replace(/\/$/, '');
    this.#client = client;
    this.#prefix = prefix;
    this.#durable = durable;
  }

  async stat(key: string): Promise<ObjectStat | undefined> {
    const version = await this.#version(key);
    return version === undefined ? undefined : statOf(key, version);
  }

  async #version(key: string): Promise<ObjectVersion | undefined> {
    const full = this.#key(key);
    const { status, headers, body } = await this.#client.send({ method: 'HEAD', key: full, accept: [400, 403, 404] });
    body.resume();
    if (status === 404) {
      await this.#requireBucket();
      return undefined;
    }
    if (status !== 200) {
      // HEAD has no body that says why: ask for a byte, which does.
      const { status: again, body: byte } = await this.#client.send({
        method: 'GET',
        key: full,
        headers: { range: 'bytes=0-0' },
        accept: [404, 416],
      });
      byte.resume();
      if (again === 404) return undefined;
      throw new GyreError('UNAVAILABLE', `${this.address}/${key}: the service answers HEAD with ${status}, and GET with ${again}`);
    }
    this.#bucketSeen = true;
    return versionOf(full, headers);
  }

  /** A 404 alone does not tell whether the object or the whole bucket is missing. @throws GyreError NOT_FOUND */
  async #requireBucket(): Promise<void> {
    if (this.#bucketSeen) return;
    await this.#client.text({ method: 'GET', query: { 'list-type': '2', 'max-keys': '1' }, accept: [403] });
    this.#bucketSeen = true;
  }

  async *list(prefix = ''): AsyncGenerator<ObjectStat> {
    let token: string | undefined;
    do {
      const { text } = await this.#client.text({
        method: 'GET',
        query: {
          'list-type': '2',
          'encoding-type': 'url',
          prefix: this.#prefix + prefix,
          ...(token === undefined ? {} : { 'continuation-token': token }),
        },
      });
      for (const entry of elements(text, 'Contents')) {
        const key = decodeURIComponent((textOf(entry, 'Key') ?? '').replaceAll('+', ' ')).slice(this.#prefix.length);
        // Others may keep what is no key of ours, such as the markers of folders.
        if (!isObjectKey(key)) continue;
        const etag = textOf(entry, 'ETag')?.replaceAll('"', '') ?? '';
        yield { key, size: Number(textOf(entry, 'Size')), modifiedAt: Date.parse(textOf(entry, 'LastModified') ?? ''), etag };
      }
      token = textOf(text, 'IsTruncated') === 'true' ? textOf(text, 'NextContinuationToken') : undefined;
    } while (token !== undefined);
  }

  async put(key: string, bytes: Uint8Array, options: TransferOptions = {}): Promise<void> {
    await uploadBytes(this.#client, this.#key(key), bytes, options, `what is to be put as ${key}`);
  }

  async putFile(key: string, path: string, options: TransferOptions = {}): Promise<void> {
    await uploadFile(this.#client, this.#key(key), path, options);
  }

  async getFile(key: string, path: string, options: TransferOptions = {}): Promise<ObjectStat> {
    const unique = (): string => `${path}.${process.pid}-${++this.#count}.part`;
    const fetching = { client: this.#client, key: this.#key(key) };
    const place = { path, durable: this.#durable, unique };
    return statOf(key, await downloadObject(fetching, place, options).catch((error: unknown) => this.#named(key, error)));
  }

  async read(key: string): Promise<Uint8Array> {
    const full = this.#key(key);
    const answer = await this.#client.send({ method: 'GET', key: full }).catch((error: unknown) => this.#named(key, error));
    const version = versionOf(full, answer.headers);
    return Buffer.concat(
      await Array.fromAsync(objectBytes(this.#client, version, { start: 0, end: version.size }, undefined, answer.body)),
    );
  }

  async open(key: string, range?: ByteRange): Promise<AsyncIterable<Uint8Array>> {
    const version = await this.#version(key);
    if (version === undefined) throw noObject(this.address, key);
    // Nothing is fetched before somebody reads: an answer that nobody reads would hold a connection.
    return objectBytes(this.#client, version, requireRange(`object ${key}`, range, version.size));
  }

  async renew(key: string): Promise<boolean> {
    const version = await this.#version(key);
    return version !== undefined && renewObject(this.#client, version);
  }

  async delete(key: string): Promise<void> {
    const { body } = await this.#client.send({ method: 'DELETE', key: this.#key(key), accept: [404] });
    body.resume();
    if (body.statusCode === 404) await this.#requireBucket();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
  }

  #key(key: string): string {
    requireKey(key);
    return this.#prefix + key;
  }

  #named(key: string, error: unknown): never {
    throw hasCode(error, 'NOT_FOUND') && error.details['s3'] === 'NoSuchKey' ? noObject(this.address, key) : error;
  }
}

function statOf(key: string, { size, modifiedAt, etag }: ObjectVersion): ObjectStat {
  return { key, size, modifiedAt, etag };
}
