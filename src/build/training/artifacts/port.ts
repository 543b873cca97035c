import type { ByteRange } from '#blobs';
import type { ArtifactEntry, ArtifactFile, Run } from '#contract';

export interface ArtifactQuery {
  /** Default 1000, at most 50,000. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly after?: string;
}

export interface ArtifactPage<T> {
  readonly items: readonly T[];
  readonly next?: string;
}

export interface BeginUpload {
  /** Where the file will stand. */
  readonly path: string;
  /** How many parts are meant to come, 1 to 10,000. */
  readonly parts: number;
}

export interface Upload {
  readonly id: string;
  /** Whoever has it may bring parts of this upload, and nothing else. Only its SHA-256 is kept. */
  readonly key: string;
  readonly path: string;
}

/** A file that comes in parts, in any order and at the same time. What was acknowledged survives. */
export interface ArtifactUploads {
  /** Uploads that were begun a week ago and never completed are forgotten meanwhile. @throws GyreError INVALID_ARGUMENT */
  begin(upload: BeginUpload): Promise<Upload>;
  /**
   * Stores a part; one of the same number is replaced.
   * @param part from 1
   * @returns the part's SHA-256
   * @throws GyreError UNAUTHENTICATED when there is no such upload or it has another key; OUT_OF_RANGE for a part that was not announced
   */
  putPart(upload: Pick<Upload, 'id' | 'key'>, part: number, bytes: AsyncIterable<Uint8Array>): Promise<string>;
  /**
   * Joins the parts and gives the file its name, at once; asked again, it answers the same.
   * @param parts what the caller says it sent, as `putPart` answered
   * @throws GyreError NOT_FOUND; FAILED_PRECONDITION naming the part that is missing or another one
   */
  complete(
    upload: Pick<Upload, 'id' | 'path'>,
    parts: readonly { readonly part: number; readonly digest: string }[],
  ): Promise<ArtifactFile>;
  /** Forgets the upload and its parts; one that is not there is fine. */
  abort(upload: Pick<Upload, 'id' | 'path'>): Promise<void>;
  /** Forgets uploads that were begun a week ago; the bytes of their parts go with the next garbage collection. */
  forgetOld(): Promise<void>;
}

/**
 * The files that runs and logged models leave, as one tree of paths: `<experiment>/<run, 32 hex digits>/artifacts/…`,
 * `<experiment>/models/<model>/artifacts/…`, and whatever else clients name. The bytes are blobs: the same ones are kept once.
 * A path is names joined by `/`: see `requireArtifactPath`. What Gyre's own trainers left is evidence: it is neither replaced nor deleted.
 */
export interface ArtifactTree {
  /**
   * Stores a file, durably, with the folders above it; one of the same path is replaced.
   * @throws GyreError INVALID_ARGUMENT for a path that is none, or that is a folder, or lies below a file; FAILED_PRECONDITION for evidence;
   * RESOURCE_EXHAUSTED when the disk is full, and nothing is left behind
   */
  put(path: string, bytes: AsyncIterable<Uint8Array> | Uint8Array): Promise<ArtifactFile>;
  /** Undefined when nothing stands there. @throws GyreError INVALID_ARGUMENT */
  stat(path: string): Promise<ArtifactEntry | undefined>;
  /** A file's bytes; the whole of it is checked against its digest. @throws GyreError NOT_FOUND, INVALID_ARGUMENT, OUT_OF_RANGE */
  open(path: string, range?: ByteRange): Promise<AsyncIterable<Uint8Array>>;
  /** One folder's files and folders in the order of their names; none when there is no such folder. `''` is the root. */
  list(folder: string, query?: ArtifactQuery): Promise<ArtifactPage<ArtifactEntry>>;
  /** All files below a folder: each folder's own in the order of their names, before those of its folders. */
  files(folder: string, query?: ArtifactQuery): Promise<ArtifactPage<ArtifactFile>>;
  /**
   * Deletes a file, or a folder with all that is in it. The bytes go with the next garbage collection.
   * @returns how many files went; 0 when nothing stood there
   * @throws GyreError FAILED_PRECONDITION when evidence is among them
   */
  delete(path: string): Promise<number>;
  readonly uploads: ArtifactUploads;
}

/** What the folder of a run's files is named by. */
export interface ArtifactPlace extends Pick<Run, 'experiment' | 'id'> {
  /** Where the experiment's clients put artifacts; absent: into Gyre. */
  readonly location?: string;
}
