import type { Sha256 } from '#core';

/** The name of stored bytes, and how many there are. */
export interface BlobRef {
  readonly digest: Sha256;
  /** Bytes. */
  readonly size: number;
  /** In hex; present when `md5: true` was asked for. */
  readonly md5?: string;
}

/** A part of a blob in bytes: `start` is the first, `end` the one after the last (default: the blob's end). */
export interface ByteRange {
  readonly start: number;
  readonly end?: number;
}

export interface PutOptions {
  /** Compute the MD5 in the same pass (DVC names files by it). */
  readonly md5?: boolean;
}

export interface BlobStat {
  readonly digest: Sha256;
  readonly size: number;
  /** When it was stored last, UTC milliseconds: storing the same bytes again and `renew` set it anew. */
  readonly storedAt: number;
}

/** Content-addressed bytes. A blob is there whole or not at all, and never changes. */
export interface BlobStore {
  /**
   * Stores bytes under their own SHA-256, durably; storing the same bytes twice is one blob.
   * @param bytes chunks are not changed after they were given
   * @throws GyreError RESOURCE_EXHAUSTED when the disk is full; nothing is left behind
   */
  put(bytes: AsyncIterable<Uint8Array> | Uint8Array, options?: PutOptions): Promise<BlobRef>;
  /** Stores a file's bytes; the file stays as it is. @throws GyreError NOT_FOUND when there is no such file */
  putFile(path: string, options?: PutOptions): Promise<BlobRef>;
  /**
   * Streams a blob or a part of it. A stream of the whole blob is checked against its digest at its end.
   * @throws GyreError NOT_FOUND when no blob has this digest, OUT_OF_RANGE when the range lies outside, DATA_LOSS (from the stream) when the bytes are corrupt
   */
  open(digest: Sha256, range?: ByteRange): Promise<AsyncIterable<Uint8Array>>;
  /** The whole blob, checked against its digest. @throws GyreError NOT_FOUND, DATA_LOSS */
  read(digest: Sha256): Promise<Uint8Array>;
  /** Undefined when no blob has this digest. */
  stat(digest: Sha256): Promise<BlobStat | undefined>;
  has(digest: Sha256): Promise<boolean>;
  /**
   * A file that holds the blob's bytes, for readers that want a path (DuckDB, ONNX Runtime). Never write to it.
   * @param options.verify check the digest first
   * @throws GyreError NOT_FOUND, DATA_LOSS
   */
  localPath(digest: Sha256, options?: { readonly verify?: boolean }): Promise<string>;
  /** Reads the blob and compares. @throws GyreError NOT_FOUND, DATA_LOSS naming digest and path */
  verify(digest: Sha256): Promise<void>;
  /** All blobs, in the order of their digests. */
  list(): AsyncIterable<BlobStat>;
  /**
   * Whether it is there; then it counts as stored now. For whoever is about to record bytes that it has not put itself: `has` may speak of
   * a blob that nothing refers to any more, and that a sweep takes the next moment.
   */
  renew(digest: Sha256): Promise<boolean>;
  /**
   * Deleting what is not there is fine.
   * @param options.storedBefore UTC milliseconds: spares a blob that was stored, stored again or renewed since. Beside a `put` or `renew` of
   *   the same blob in this process it is one step: the blob is spared, or it is gone before they look.
   * @returns whether a blob was deleted
   */
  delete(digest: Sha256, options?: { readonly storedBefore?: number }): Promise<boolean>;
}
