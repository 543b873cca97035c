import type { ByteRange } from '../port.ts';

export interface ObjectStat {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** UTC milliseconds; S3 may round down to a second. */
  readonly modifiedAt: number;
  /** Names this very version of the object, without quotation marks; a folder of files has none. */
  readonly etag?: string;
}

export interface TransferOptions {
  /** In hex. The bytes must have it: checked on the way, and by the server where it can. */
  readonly md5?: string;
  /** In hex. Like `md5`. */
  readonly sha256?: string;
  readonly signal?: AbortSignal;
  /** Told how many bytes went over since it was told last. */
  readonly onBytes?: (bytes: number) => void;
}

/**
 * Objects by key, in a folder or in a bucket: a remote, as DVC calls it. Any number of transfers may run at once.
 * A key is a relative path with "/" between its parts, none of them empty, "." or ".."; in a bucket it stands below the address's prefix.
 * No key goes on below another one (`a` and `a/b`): a folder cannot hold both.
 *
 * All calls throw GyreError: INVALID_ARGUMENT for what is no key, UNAUTHENTICATED or PERMISSION_DENIED for wrong credentials, NOT_FOUND for
 * a bucket that is not there, UNAVAILABLE when the other side stays away after all retries, CANCELLED when the signal says so.
 */
export interface ObjectStore extends AsyncDisposable {
  /** Where it is, without secrets: a path, or `s3://bucket/prefix`. */
  readonly address: string;
  /** Undefined when no object has this key. */
  stat(key: string): Promise<ObjectStat | undefined>;
  /** All objects whose keys begin with these characters, in the order of their keys' UTF-8 bytes. */
  list(prefix?: string): AsyncIterable<ObjectStat>;
  /**
   * Stores an object, whole or not at all, in the place of one that has the key already.
   * @throws GyreError DATA_LOSS when the bytes are not those of the digests, RESOURCE_EXHAUSTED when the disk is full
   */
  put(key: string, bytes: Uint8Array, options?: TransferOptions): Promise<void>;
  /** Like `put`; a large file that was sent in part before is sent on. @throws GyreError NOT_FOUND when there is no such file */
  putFile(key: string, path: string, options?: TransferOptions): Promise<void>;
  /**
   * Fetches an object into a file, under a name of its own until the bytes are complete and right; a part of a large object that an
   * earlier call left beside the path is fetched on. The file's folder must be there.
   * @throws GyreError NOT_FOUND when no object has this key, DATA_LOSS when the bytes are not those of the digests; the path stays as it was
   */
  getFile(key: string, path: string, options?: TransferOptions): Promise<ObjectStat>;
  /** Streams an object or a part of it. @throws GyreError NOT_FOUND, OUT_OF_RANGE; ABORTED (from the stream) when it changed meanwhile */
  open(key: string, range?: ByteRange): Promise<AsyncIterable<Uint8Array>>;
  /** A small object's bytes. @throws GyreError NOT_FOUND */
  read(key: string): Promise<Uint8Array>;
  /** Has an object count as modified now, without sending it again. @returns false when there is none */
  renew(key: string): Promise<boolean>;
  /** Deleting what is not there is fine. */
  delete(key: string): Promise<void>;
}
