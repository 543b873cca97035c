import type { Actor, TableSchema, ThumbnailSize, VersionFiles } from '#contract';
import type { MaskedColumns } from '../masking.ts';

export interface FilesIngestRequest {
  readonly dataset: string;
  /** A folder, or one file; absolute. */
  readonly path: string;
  /** The source as the user wrote it, for the record. */
  readonly source: string;
  readonly key?: string;
  readonly target?: string;
  /** The reviewed schema that the rows are held against. */
  readonly expect?: TableSchema;
  /** Keeps the rows for which this comparison holds. */
  readonly where?: string;
  readonly by: Actor;
  /** Told now and then how many files are done. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Stops between two files; what was copied until then is not copied again. */
  readonly signal?: AbortSignal;
}

export interface FileList {
  /** Only files whose path has this in it. */
  readonly match?: string;
  /** Only files of this extension, with its dot; `none` for those without. */
  readonly extension?: string;
  /** 100 without it. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly after?: string;
  /** Columns that the reader may not see. */
  readonly masked?: MaskedColumns;
}

/** The bytes of a file of a version, checked against the digest; those of a large one are a stream, which is checked at its end. */
export interface StoredFile {
  /** The first path that has them. */
  readonly path: string;
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  readonly bytes: Uint8Array | AsyncIterable<Uint8Array>;
}

/** The files of dataset versions: of folders of files, and of images. */
export interface FileCatalog {
  /** @throws GyreError FAILED_PRECONDITION for a table, INVALID_ARGUMENT, PERMISSION_DENIED (a masked path is asked for) */
  list(version: string, options: FileList): Promise<VersionFiles>;
  /** @throws GyreError NOT_FOUND when the version has no such file, DATA_LOSS when its bytes are nowhere (or, from the stream, damaged) */
  file(version: string, sha256: string): Promise<StoredFile>;
  /**
   * A picture among the files, as a JPEG whose longer side is this; made once.
   * @throws GyreError FAILED_PRECONDITION when it is none that can be decoded, RESOURCE_EXHAUSTED beyond 64 MiB
   */
  thumbnail(version: string, sha256: string, size: ThumbnailSize): Promise<Uint8Array>;
  /** How many of the version's files have their bytes neither among the blobs nor in the workspace's cache; the first few by path. */
  missing(version: string): Promise<{ readonly files: number; readonly missing: number; readonly paths: readonly string[] }>;
}
