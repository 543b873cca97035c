import { createHash } from 'node:crypto';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { setTimeout } from 'node:timers/promises';
import { GyreError } from '#core';
import { requireGoing } from '../objects/transfer.ts';
import { backoffMs, bucketUrl, defaultRegion } from './connection.ts';
import type { BucketUrl, S3Connection, S3World } from './connection.ts';
import { isBroken, isPassing, readRefusal, refused, unreachable } from './failures.ts';
import type { Asked, Refusal } from './failures.ts';
import { Signer, encodeKey, encodeQuery } from './signature.ts';

export interface S3Request {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Left out: the bucket itself. */
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** The body's SHA-256 in hex, where it is known already. */
  readonly bodySha256?: string;
  /** Answers beside 2xx that the caller deals with itself. */
  readonly accept?: readonly number[];
  readonly signal?: AbortSignal;
}

export interface S3Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Read it to its end or destroy it: it holds a connection. */
  readonly body: IncomingMessage;
}

/** SHA-256 of no bytes. */
const ofNothing = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** How much of an answer that is read into memory we take: a page of a list has a thousand keys. */
const longestText = 16 * 1024 * 1024;

/** Signed requests to one bucket, over connections that are kept and bounded, tried again when the trouble passes. */
export class S3Client {
  readonly bucket: string;
  readonly #url: BucketUrl;
  readonly #signer: Signer | undefined;
  readonly #agent: HttpAgent;
  readonly #region: string;
  readonly #world: S3World;
  readonly #attempts: number;
  readonly #timeoutMs: number;

  constructor(bucket: string, connection: S3Connection, world: S3World) {
    const { region = defaultRegion, credentials, maxConnections = 32, timeoutMs = 60_000, attempts = 6 } = connection;
    this.bucket = bucket;
    this.#url = bucketUrl(bucket, connection);
    this.#region = region;
    this.#signer = credentials === undefined ? undefined : new Signer(credentials, region);
    const pool = { keepAlive: true, maxSockets: maxConnections, noDelay: true } as const;
    this.#agent = this.#url.protocol === 'https:' ? new HttpsAgent(pool) : new HttpAgent(pool);
    this.#world = world;
    this.#attempts = attempts;
    this.#timeoutMs = timeoutMs;
  }

  close(): void {
    this.#agent.destroy();
  }

  /**
   * Asks until there is an answer that is a success or accepted.
   * @throws GyreError in our words: what S3 refused, or UNAVAILABLE after the last attempt
   */
  async send(request: S3Request): Promise<S3Answer> {
    const asked = this.#asked(request.key);
    for (let attempt = 1; ; attempt++) {
      const last = attempt >= this.#attempts;
      let refusal: Refusal;
      try {
        const answer = await this.#attempt(request);
        if ((answer.status >= 200 && answer.status < 300) || request.accept?.includes(answer.status) === true) return answer;
        refusal = readRefusal(answer.status, answer.headers, await readText(answer.body));
      } catch (error) {
        if (last || !isBroken(error)) throw unreachable(error, asked, this.#url.host);
        await this.pause(attempt, request.signal);
        continue;
      }
      if (last || !isPassing(refusal)) throw refused(refusal, asked, this.#world.clock.now());
      await this.pause(attempt, request.signal);
    }
  }

  /** Like `send`; the answer's text. It is asked for again when the connection breaks in its middle. */
  async text(request: S3Request): Promise<{ readonly status: number; readonly headers: IncomingHttpHeaders; readonly text: string }> {
    for (let attempt = 1; ; attempt++) {
      const { status, headers, body } = await this.send(request);
      try {
        return { status, headers, text: await readText(body) };
      } catch (error) {
        await this.afterBreak(error, attempt, request.key, request.signal);
      }
    }
  }

  /** Waits before whatever broke is tried again. @throws GyreError when it was not a passing break, or the last attempt */
  async afterBreak(error: unknown, attempt: number, key: string | undefined, signal: AbortSignal | undefined): Promise<void> {
    requireGoing(signal);
    if (attempt >= this.#attempts || !isBroken(error)) throw unreachable(error, this.#asked(key), this.#url.host);
    await this.pause(attempt, signal);
  }

  /** @param attempt the one that failed, from 1 */
  async pause(attempt: number, signal: AbortSignal | undefined): Promise<void> {
    try {
      const { random, sleep = wait } = this.#world;
      await sleep(backoffMs(attempt, random), signal);
    } catch (error) {
      throw unreachable(error, this.#asked(undefined), this.#url.host);
    }
  }

  #asked(key: string | undefined): Asked {
    const what = `s3://${this.bucket}${key === undefined ? '' : `/${key}`}`;
    return { what, bucket: this.bucket, region: this.#region, signed: this.#signer !== undefined };
  }

  async #attempt({ method, key, query = {}, headers = {}, body, bodySha256, signal }: S3Request): Promise<S3Answer> {
    requireGoing(signal);
    const path = `${this.#url.path}/${key === undefined ? '' : encodeKey(key)}`;
    const plain = {
      ...headers,
      host: this.#url.host,
      'x-amz-content-sha256': body === undefined ? ofNothing : (bodySha256 ?? createHash('sha256').update(body).digest('hex')),
    };
    const signed = this.#signer?.sign({ method, path, query, headers: plain }, this.#world.clock.now()) ?? plain;
    const search = encodeQuery(query);
    const { promise, resolve, reject } = Promise.withResolvers<S3Answer>();
    const request: ClientRequest = (this.#url.protocol === 'https:' ? httpsRequest : httpRequest)({
      method,
      hostname: this.#url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: this.#url.port === '' ? undefined : this.#url.port,
      path: search === '' ? path : `${path}?${search}`,
      headers: {
        ...signed,
        ...(body === undefined && method !== 'PUT' && method !== 'POST' ? {} : { 'content-length': body?.byteLength ?? 0 }),
      },
      agent: this.#agent,
      timeout: this.#timeoutMs,
      ...(signal === undefined ? {} : { signal }),
    });
    request.once('response', (answer) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: answer }));
    request.once('error', reject);
    request.once('timeout', () => request.destroy(timedOut(this.#timeoutMs)));
    request.end(body);
    return promise;
  }
}

async function wait(ms: number, signal?: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, signal === undefined ? {} : { signal });
}

function timedOut(timeoutMs: number): Error {
  return Object.assign(new Error(`nothing came for ${timeoutMs} ms`), { code: 'ETIMEDOUT' });
}

/** @throws GyreError RESOURCE_EXHAUSTED when it is longer than any answer of S3; what the socket threw */
export async function readText(body: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    if (!(chunk instanceof Buffer)) continue;
    chunks.push(chunk);
    size += chunk.length;
    if (size > longestText) throw new GyreError('RESOURCE_EXHAUSTED', `the answer is longer than ${longestText} bytes`);
  }
  return Buffer.concat(chunks).toString('utf8');
}
