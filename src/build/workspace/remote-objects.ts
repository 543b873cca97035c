import type { S3Connection, S3Overrides, S3World } from '#blobs';
import { GyreError } from '#core';
import { openFolderRemote } from './folder-remote.ts';
import type { ObjectName } from './layout.ts';
import type { Remote } from './remotes.ts';
import { isBucketUrl, s3OverridesOf } from './s3-settings.ts';
import type { Session } from './session.ts';

/** Objects that did not go over, each with what is wrong. */
export type FailedTransfers = readonly (readonly [md5: string, reason: string])[];

export interface Sent {
  /** Objects that were not there. */
  readonly sent: number;
  readonly bytes: number;
  readonly failed: FailedTransfers;
}

export interface Fetched {
  readonly fetched: number;
  readonly failed: FailedTransfers;
}

/** A remote while one verb works with it. */
export interface RemoteObjects extends AsyncDisposable {
  readonly name: string;
  /** Absolute, where objects are files that threads place from without a copy on the way. */
  readonly folder?: string;
  /** Those that it does not have. */
  lacking(names: readonly ObjectName[]): Promise<string[]>;
  /** Sends files' objects from the cache, each hashed on its way: a damaged one is not spread. */
  send(session: Session, md5s: readonly string[], tell: (objects: number, bytes: number) => void): Promise<Sent>;
  /** The bytes of a folder's listing, checked against its name; a text says what is wrong. */
  listing(name: ObjectName, legacy: boolean): Promise<Buffer | 'missing' | 'damaged'>;
  /** Stores a folder's listing. @returns whether it was not there */
  sendListing(name: ObjectName, bytes: Buffer): Promise<boolean>;
  /** Brings files' objects into the cache, each checked. @param legacy what DVC before 3 kept, whose names are checked when they are placed */
  fetch(session: Session, md5s: readonly string[], legacy: boolean, tell: (objects: number, bytes: number) => void): Promise<Fetched>;
}

/** How a bucket is reached, when the configuration says so much. Handed in: environment, clock and chance are not the workspace's. */
export type S3Access = (overrides: S3Overrides) => Promise<{ readonly connection: S3Connection; readonly world: S3World }>;

/** @throws GyreError UNAVAILABLE for a folder that is not mounted; of a bucket what is wrong with it or the credentials; UNIMPLEMENTED for other schemes */
export async function openRemote(root: string, remote: Remote, s3: S3Access | undefined): Promise<RemoteObjects> {
  const { folder, url, name } = remote;
  if (folder !== undefined) return openFolderRemote({ ...remote, folder });
  if (!isBucketUrl(url)) throw new GyreError('UNIMPLEMENTED', `the remote "${name}" at ${url} is neither a folder nor a bucket of S3`);
  if (s3 === undefined)
    throw new GyreError('UNIMPLEMENTED', `the remote "${name}" is a bucket, and nothing says how S3 is reached from here`);
  const { overrides, adjust } = s3OverridesOf(root, remote);
  // Loaded when it is needed: a status of files is over before the client of S3 is read.
  const { openBucketRemote } = await import('./bucket-remote.ts');
  const { connection, world } = await s3(overrides);
  return openBucketRemote(name, url, { connection: adjust(connection), world });
}
