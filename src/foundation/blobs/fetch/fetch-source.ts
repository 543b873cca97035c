import { GyreError, hasCode } from '#core';
import type { Place } from '../objects/receive.ts';
import { S3Client } from '../s3/client.ts';
import { parseS3Address } from '../s3/connection.ts';
import type { S3Connection, S3World } from '../s3/connection.ts';
import { downloadObject } from '../s3/download.ts';
import { allowedHosts } from './allowed-hosts.ts';
import { fetchHttp } from './http-source.ts';
import type { SourceVersion } from './http-source.ts';
import { publicAddress } from './http.ts';

export interface FetchSettings {
  /** Where http and https addresses may lead, as the setting says: see `allowedHosts`. S3 has its endpoint from whoever runs Gyre. */
  readonly hosts: string;
  /** The setting's name, for messages. */
  readonly hostsSetting: string;
  /** How S3 is reached; left out: `s3://` is refused. */
  readonly s3?: S3Connection;
  readonly world: S3World;
  /** The largest source in bytes. */
  readonly maxBytes: number;
  /** How long a source may take in all. */
  readonly timeoutMs: number;
  /** How long the other side may be silent, default 60,000. */
  readonly idleMs?: number;
  /** How often a request is tried that fails for a passing reason, default 5. */
  readonly attempts?: number;
}

export interface FetchOptions {
  /** What the file holds already: then the source is asked whether it has anything new. */
  readonly known?: SourceVersion;
  /** Headers that only the source's own origin may see, such as `authorization`. Never recorded. */
  readonly credentials?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** What came of it; `address` is without secrets, to be recorded. */
export type FetchedSource =
  | { readonly isNew: true; readonly address: string; readonly version: SourceVersion }
  | { readonly isNew: false; readonly address: string };

/** How often a source that changes while it is fetched is begun anew. */
const beginnings = 3;

/**
 * Fetches the object that `s3://bucket/key`, `http://…` or `https://…` names into a file, whole or not at all. A large one that was
 * interrupted is gone on with, as long as the source names its version (strong ETag or Last-Modified) and gives parts.
 * @param path gets the bytes; its folder must be there
 * @throws GyreError INVALID_ARGUMENT for another kind of address, PERMISSION_DENIED for a host that is not allowed, NOT_FOUND,
 *   UNAUTHENTICATED, RESOURCE_EXHAUSTED for more bytes than allowed, DEADLINE_EXCEEDED, UNAVAILABLE; ABORTED for what changes faster than it
 *   can be fetched
 */
export async function fetchSource(
  address: string,
  path: string,
  settings: FetchSettings,
  options: FetchOptions = {},
): Promise<FetchedSource> {
  const url = URL.parse(address);
  const deadline = AbortSignal.timeout(settings.timeoutMs);
  const signal = options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]);
  let count = 0;
  const place: Place = { path, durable: false, maxBytes: settings.maxBytes, unique: () => `${path}.${process.pid}-${++count}.part` };
  const shown = url === null ? '' : publicAddress(url);
  for (let beginning = 1; ; beginning++) {
    try {
      if (address.startsWith('s3://')) return await fromS3(address, place, settings, options, signal);
      if (url?.protocol !== 'http:' && url?.protocol !== 'https:') throw noSource();
      return await fromHttp(url, place, settings, options, signal);
    } catch (error) {
      if (deadline.aborted && hasCode(error, 'CANCELLED')) {
        const seconds = Math.round(settings.timeoutMs / 1000);
        throw new GyreError('DEADLINE_EXCEEDED', `${shown} did not come within ${seconds} s`, {}, { cause: error });
      }
      if (!hasCode(error, 'ABORTED') || beginning === beginnings) throw error;
    }
  }
}

function noSource(): GyreError {
  // The text itself could hold a secret.
  return new GyreError(
    'INVALID_ARGUMENT',
    'the address names nothing that can be fetched: s3://bucket/key, http://… or https://… is needed',
  );
}

async function fromHttp(
  url: URL,
  place: Place,
  settings: FetchSettings,
  options: FetchOptions,
  signal: AbortSignal,
): Promise<FetchedSource> {
  if (url.username !== '' || url.password !== '') {
    throw new GyreError('INVALID_ARGUMENT', `${publicAddress(url)}: an address holds no user and no password: give credentials beside it`);
  }
  const { hosts, hostsSetting, world, idleMs = 60_000, attempts = 5 } = settings;
  const source = {
    url,
    hosts: allowedHosts(hosts, hostsSetting),
    credentials: options.credentials ?? {},
    known: options.known,
    world,
    idleMs,
    attempts,
    signal,
  };
  const version = await fetchHttp(source, place);
  const address = publicAddress(url);
  return version === undefined ? { isNew: false, address } : { isNew: true, address, version };
}

async function fromS3(
  address: string,
  place: Place,
  settings: FetchSettings,
  { known }: FetchOptions,
  signal: AbortSignal,
): Promise<FetchedSource> {
  const { bucket } = parseS3Address(address);
  const key = address.slice(`s3://${bucket}/`.length);
  if (key === '') throw new GyreError('INVALID_ARGUMENT', `${address} names a bucket, and no object in it: s3://bucket/key is needed`);
  if (settings.s3 === undefined) throw new GyreError('FAILED_PRECONDITION', `${address} cannot be fetched: nothing says how S3 is reached`);
  const { idleMs, attempts } = settings;
  const own = { ...(idleMs === undefined ? {} : { timeoutMs: idleMs }), ...(attempts === undefined ? {} : { attempts }) };
  const client = new S3Client(bucket, { ...settings.s3, ...own, maxConnections: 1 }, settings.world);
  try {
    const fetching = { client, key, ...(known?.etag === undefined ? {} : { knownEtag: known.etag }) };
    const { etag, size, modifiedAt, isKnown } = await downloadObject(fetching, place, { signal });
    if (isKnown) return { isNew: false, address };
    return { isNew: true, address, version: { etag, size, lastModified: new Date(modifiedAt).toUTCString() } };
  } finally {
    client.close();
  }
}
