import { createHash, createHmac } from 'node:crypto';
import type { S3Credentials } from './connection.ts';

export interface Signable {
  readonly method: string;
  /** Encoded already, from the "/" on. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** Names in lower case; all of them are signed. `host` and `x-amz-content-sha256` are among them. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Every byte but the unreserved ones of RFC 3986, as the signature wants it. */
export function encodeStrictly(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (char) => `%${char.codePointAt(0)?.toString(16).toUpperCase()}`);
}

/** A key as a path: "/" stays between its parts. */
export function encodeKey(key: string): string {
  return key.split('/').map(encodeStrictly).join('/');
}

/** The query string in the order in which it is signed. */
export function encodeQuery(query: Readonly<Record<string, string>>): string {
  return Object.entries(query)
    .map(([name, value]) => `${encodeStrictly(name)}=${encodeStrictly(value)}`)
    .toSorted()
    .join('&');
}

const hexSha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** Signs requests by AWS Signature Version 4 in headers ("Authenticating Requests (AWS Signature Version 4)", Amazon S3 API Reference). */
export class Signer {
  readonly #credentials: S3Credentials;
  readonly #region: string;
  #day = '';
  #key: Buffer = Buffer.alloc(0);

  constructor(credentials: S3Credentials, region: string) {
    this.#credentials = credentials;
    this.#region = region;
  }

  /**
   * @param nowMs UTC milliseconds; servers refuse what is off by a quarter of an hour
   * @returns the request's headers with `x-amz-date`, `authorization` and the session's token among them
   */
  sign({ method, path, query, headers }: Signable, nowMs: number): Record<string, string> {
    const { accessKeyId, sessionToken } = this.#credentials;
    const instant = new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d+/g, '');
    const signed: Record<string, string> = {
      ...headers,
      'x-amz-date': instant,
      ...(sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken }),
    };
    const names = Object.keys(signed).toSorted();
    const canonical = [
      method,
      path,
      encodeQuery(query),
      ...names.map((name) => `${name}:${signed[name].trim().replaceAll(/ +/g, ' ')}`),
      '',
      names.join(';'),
      signed['x-amz-content-sha256'],
    ].join('\n');
    const day = instant.slice(0, 8);
    const scope = `${day}/${this.#region}/s3/aws4_request`;
    const text = `AWS4-HMAC-SHA256\n${instant}\n${scope}\n${hexSha256(canonical)}`;
    const signature = hmac(this.#keyOf(day), text).toString('hex');
    signed['authorization'] = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope},SignedHeaders=${names.join(';')},Signature=${signature}`;
    return signed;
  }

  /** The same for a whole day. */
  #keyOf(day: string): Buffer {
    if (day !== this.#day) {
      const dated = hmac(`AWS4${this.#credentials.secretAccessKey}`, day);
      this.#key = hmac(hmac(hmac(dated, this.#region), 's3'), 'aws4_request');
      this.#day = day;
    }
    return this.#key;
  }
}
