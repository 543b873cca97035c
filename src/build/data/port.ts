import type {
  Actor,
  DatasetComparison,
  DatasetIngestion,
  DatasetManifest,
  DatasetProfile,
  DatasetSummary,
  DatasetVersion,
  EventTypes,
  Feasibility,
  PersonalSuggestion,
  QualityCheck,
  QualityReport,
  QualityTrend,
  SchemaComparison,
  SchemaInference,
  Split,
  SplitReport,
  SplitStrategy,
  TableSchema,
} from '#contract';
import type { Clock, NewId } from '#core';
import type { BlobStore, FetchedSource, SourceVersion } from '#blobs';
import type { Events } from '#events';
import type { Store } from '#store';
import type { FeasibilityRequest } from './feasibility.ts';
import type { FileCatalog, FilesIngestRequest } from './file-sets/file-port.ts';
import type { ImageCatalog } from './image-sets/catalog.ts';
import type { ImageIngestRequest, ImageIngested } from './image-sets/image-port.ts';
import type { Ingestions } from './ingestions/port.ts';
import type { WorkspaceObjects } from '#workspace';
import type { ColumnEvidence, Frame, LooseRecord, TableSchema as ColumnSpecs, Timestamps } from '#tables';
import type { JoinRequest } from './join/join-request.ts';
import type { Joined } from './join/join.ts';
import type { MaskedColumns } from './masking.ts';
import type { Nearness } from './near-duplicates/plan.ts';
import type { SeePersonal } from './personal/personal.ts';
import type { LimitEntry } from './quality/limits.ts';
import type { RowsBlob, RowsFormat } from './rows-file.ts';
import type { RowsPage, RowsQuery } from './rows-page.ts';
import type { SchemaRequest } from './schemas/of-version.ts';
import type { DatasetSource, DialectSpec } from './sources/source.ts';
import type { SqlAnswer, SqlQuery } from './sql.ts';

/** What production saw lately, of these columns. */
export type RecentProduction = (query: {
  readonly columns: ColumnSpecs;
  /** UTC milliseconds. */
  readonly from: number;
}) => Promise<Frame>;

export interface DataDeps {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly events: Events<EventTypes>;
  readonly clock: Clock;
  readonly newId: NewId;
  /** Fetches what an address names into a file; without it nothing is fetched. */
  readonly fetch?: (address: string, path: string, options: { readonly known?: SourceVersion }) => Promise<FetchedSource>;
  /** The cache of the project's workspace: files that are in it are not copied; without it all are. */
  readonly objects?: WorkspaceObjects;
  /** Asks whoever keeps predictions; without it, production is not measurable. */
  readonly production?: RecentProduction;
  /** Where the secrets are that addresses of sources name. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Folder for Parquet files on their way into the blobs; the system's without it. */
  readonly temporary?: string;
  /** What the engine may take for one ingestion, quality report, split or file of rows; 1,024 without it. */
  readonly memoryLimitMib?: number;
}

export type SourceFormat = Exclude<DatasetManifest['format'], 'rows' | 'images' | 'files'>;

export interface IngestRequest {
  readonly dataset: string;
  /** The source file; another kind of source is said with `from`. */
  readonly path?: string;
  readonly from?: DatasetSource;
  /** Of a file: told by its extension without it. */
  readonly format?: SourceFormat;
  /** The source as the user wrote it, for the record and without secrets; its path without it. */
  readonly source?: string;
  /** How a CSV text is written, as far as it is not to be sniffed. */
  readonly dialect?: DialectSpec;
  /** How dates with the year last are written; see `readCsv`. */
  readonly timestamps?: Timestamps;
  /** A column that rises: only rows beyond its greatest value so far are taken, and appended to the version that the last ingestion made. */
  readonly watermark?: string;
  /** What the engine may take for this ingestion, in place of the room's own limit. */
  readonly memoryLimitMib?: number;
  /** The key must be a column. */
  readonly key?: string;
  /** The target must be a column that can be learned. */
  readonly target?: string;
  /** The reviewed schema: its types are used for reading, and the rows are held against it. */
  readonly expect?: TableSchema;
  /** Keeps the rows for which this comparison holds: a version of its own, derived from the whole. */
  readonly where?: string;
  readonly by: Actor;
  /** Stops it before its next step. */
  readonly signal?: AbortSignal;
}

export interface Ingested {
  /** What was recorded of this ingestion. */
  readonly ingestion: DatasetIngestion;
  readonly version: DatasetVersion;
  /** False when the dataset had this version: nothing was recorded. */
  readonly created: boolean;
  /** Expectations of the reviewed schema that do not hold; empty without one. */
  readonly violations: readonly QualityCheck[];
  /** Why each column has its type; absent when nothing was read, because the source was known. */
  readonly evidence?: readonly ColumnEvidence[];
  /** One line for a person. */
  readonly summary: string;
}

export interface SplitRequest {
  readonly dataset: string;
  /** The column that names a row; without it all values of a row together do, so that equal rows are always on one side. */
  readonly key?: string;
  /** Part → fraction, in order; together 1. */
  readonly parts: Readonly<Record<string, number>>;
  readonly salt: string;
  /** The column whose shares are reported for each part. It must have two classes and no missing value. */
  readonly stratify?: string;
  /** What the parts are dealt by; the key of each row without it. */
  readonly strategy?: SplitStrategy;
  /** With the strategy `time`: where each part but the first begins, in place of the fractions. */
  readonly begins?: readonly (string | number)[];
  /** Further rows to judge models on: what a set takes is in no part. */
  readonly sets?: readonly ValidationSetRequest[];
  readonly by: Actor;
}

export interface ValidationSetRequest {
  readonly set: string;
  readonly strategy: SplitStrategy;
  /** Of the rows, groups or places; not needed where the strategy names a beginning or places. */
  readonly share?: number;
}

export interface QualityRequest {
  /** The reviewed schema; without it the checks that need one are reported as not measurable. */
  readonly schema?: TableSchema;
  readonly key?: string;
  readonly target?: string;
  /** The instant that the data speak of, UTC milliseconds. */
  readonly asOf?: number;
  readonly maxAgeMs?: number;
  /** Limits that win over the checks' and the schema's own, the last entry that fits first. */
  readonly limits?: readonly LimitEntry[];
  /** Personal columns: their values are not shown. */
  readonly masked?: readonly string[];
  /** Columns whose values are groups, or places: coverage and classes are compared between them. */
  readonly groups?: readonly string[];
  readonly places?: readonly string[];
  /** Columns that no step uses. */
  readonly unused?: readonly string[];
  /** How rows will be dealt to parts, to see whether one stands in two. */
  readonly split?: Pick<SplitRequest, 'parts' | 'salt' | 'strategy' | 'begins' | 'sets'>;
  /** A dataset whose newest version shows the population that the rows stand for. */
  readonly population?: string;
  /** What counts as a small difference between rows; `usualNearness` without it. */
  readonly near?: Nearness;
  /** Rows that fail a check with a limit to fail are set aside (see `QualityReport.quarantine`); false without it. */
  readonly quarantine?: boolean;
  /** Rows are held against what production saw in so long a time (see `DataDeps.production`). */
  readonly productionMs?: number;
  readonly by: Actor;
}

export interface RowsRequest {
  readonly dataset: string;
  readonly part?: string;
  readonly frame: Frame;
  /** Plain names and types without it. */
  readonly schema?: TableSchema;
  readonly derivedFrom?: DatasetManifest['derivedFrom'];
  /** Where the rows came from, in words; the operation that made them without it. */
  readonly source?: string;
  readonly reason?: string;
  readonly by: Actor;
}

export interface FileRequest {
  readonly dataset: string;
  /** A Parquet file of ours, absolute; its bytes are copied. */
  readonly path: string;
  /** Columns that are personal or sensitive in a parent are so here. */
  readonly derivedFrom: NonNullable<DatasetManifest['derivedFrom']>;
  /** Where the rows came from, in words. */
  readonly source: string;
  readonly by: Actor;
}

export interface AppendRequest {
  readonly dataset: string;
  /** The version that the rows are added to. */
  readonly to: string;
  /** Rows with the same columns, as a frame or as records. */
  readonly rows: Frame | readonly LooseRecord[];
  readonly reason: string;
  readonly by: Actor;
}

export interface VersionList {
  readonly dataset?: string;
  /** A part's name; null: only versions that are no part of a split. */
  readonly part?: string | null;
  /** 100 without it. */
  readonly limit?: number;
  readonly after?: string;
}

export interface CompareOptions {
  /** The columns that name a row on both sides; without it, the key of the newest split of either version, or `usualKey`. */
  readonly key?: readonly string[];
  /** Used where neither version was split, if it fits. */
  readonly usualKey?: string;
  /** Rows shown of each kind of change; 10 without it. */
  readonly examples?: number;
  /** Columns whose values the reader may not see. */
  readonly masked?: MaskedColumns;
  /** Cells of one side that may be in memory at once; 40 million without it. */
  readonly cellsPerPass?: number;
}

/** Dataset versions: made, looked at, cut into parts, opened. */
export interface Data {
  /**
   * Reads a source into an immutable version, in bounded memory. The same bytes read the same way are the same version. A source that
   * stands as it stood (size and times, ETag) is not read again. Each call leaves a record: see `ingestions`, which can also do it in the background.
   * @throws GyreError NOT_FOUND (no such file), INVALID_ARGUMENT (with line and column: see `readCsv`), FAILED_PRECONDITION (no rows, unusable
   * target), ABORTED (changed while it was read), CANCELLED
   */
  ingest(request: IngestRequest): Promise<Ingested>;
  /**
   * Reads a folder of images into an immutable version whose rows are one for each image. Files that stand as they stood are not read again.
   * @throws GyreError NOT_FOUND, INVALID_ARGUMENT (labels, with the row), FAILED_PRECONDITION (no image, a file that keeps changing), CANCELLED
   */
  ingestImages(request: ImageIngestRequest): Promise<ImageIngested>;
  /**
   * Records a folder of files of any kind, or one file, as an immutable version whose rows are one for each file. Files that a `.dvc` file tracks
   * stay in the workspace's cache, which keeps them from then on; others are copied.
   * @throws GyreError NOT_FOUND, FAILED_PRECONDITION (no file, a tracked path that has changed), DATA_LOSS (objects that the cache lacks), CANCELLED
   */
  ingestFiles(request: FilesIngestRequest): Promise<Ingested>;
  /** The files of a version, by path. @throws GyreError FAILED_PRECONDITION for a table */
  readonly files: FileCatalog;
  /** The records that ingestions leave, and those that go on in the background. */
  readonly ingestions: Ingestions;
  /**
   * Joins versions into a version of another dataset: a row for each row of the base, with what was known of its key at its instant. The
   * same versions joined in the same way are the same version.
   * @throws GyreError INVALID_ARGUMENT (columns, types), FAILED_PRECONDITION (missing instants, keys that repeat), NOT_FOUND
   */
  join(request: JoinRequest): Promise<Joined>;
  /** The images of a version, to be looked at: catalogued by label and by check. @throws GyreError FAILED_PRECONDITION for a table */
  readonly images: ImageCatalog;
  /** What a quick model makes of a version against thresholds of success. @throws GyreError FAILED_PRECONDITION (too few rows, one class) */
  feasibility(version: string, request: FeasibilityRequest): Promise<Feasibility>;
  /** Makes a version from rows. The same rows with the same lineage are the same version. @throws GyreError FAILED_PRECONDITION without rows */
  createFromRows(request: RowsRequest): Promise<{ readonly version: DatasetVersion; readonly created: boolean }>;
  /** As `createFromRows`, for rows of any number, which are in a file. */
  createFromFile(request: FileRequest): Promise<{ readonly version: DatasetVersion; readonly created: boolean }>;
  /** Makes a version of an existing one plus new rows; both are named as its parents. */
  append(request: AppendRequest): Promise<{ readonly version: DatasetVersion; readonly created: boolean; readonly rows: DatasetVersion }>;
  /**
   * Cuts a version into named parts and validation sets, each a version of its own. The same definition gives the same split, and a row
   * that a later version has as well is on the same side there.
   * @throws GyreError FAILED_PRECONDITION (keys, instants missing; a part or set without rows), INVALID_ARGUMENT (columns, fractions)
   */
  split(version: string, request: SplitRequest): Promise<Split>;
  /**
   * The rows of a version, checked against their digest.
   * @param options.part of the newest split of this version
   * @throws GyreError NOT_FOUND, DATA_LOSS when the bytes are corrupt, INVALID_ARGUMENT for an unknown column
   */
  open(version: string, options?: { readonly columns?: readonly string[]; readonly part?: string }): Promise<Frame>;
  /**
   * A version by its digest or the beginning of one, else by name: `customers` is the newest that is no part of a split,
   * `customers@702a45d5` that one.
   * @throws GyreError NOT_FOUND
   */
  named(name: string): Promise<DatasetVersion>;
  /** A version's rows as one file (Parquet without `format`) in which these columns are masked. The same columns give the same bytes. */
  rowsFile(version: DatasetVersion, masked: MaskedColumns, format?: RowsFormat): Promise<RowsBlob>;
  /** The Parquet file that holds a version's rows. Never write to it. */
  rowsPath(version: string): Promise<string>;
  /** Rows as they are asked for, without reading the others. @throws GyreError NOT_FOUND, INVALID_ARGUMENT, PERMISSION_DENIED */
  rows(version: string, query?: RowsQuery): Promise<RowsPage>;
  /**
   * Answers a person's SQL over versions by name, in a process of its own that sees nothing else.
   * @throws GyreError NOT_FOUND, INVALID_ARGUMENT, PERMISSION_DENIED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, CANCELLED
   */
  sql(query: SqlQuery): Promise<SqlAnswer>;
  /** The columns of a version that look like data of persons, by the first rows. Whether somebody has said otherwise is not asked. */
  suggestPersonal(version: DatasetVersion): Promise<readonly PersonalSuggestion[]>;
  /** States for the audit log that somebody saw personal data unmasked. */
  seePersonal: SeePersonal;
  profile(version: string, target?: string): Promise<DatasetProfile>;
  /** Holds a version against a reviewed schema. */
  validate(version: string, schema: TableSchema): Promise<readonly QualityCheck[]>;
  /** The schema that a version's rows suggest, for a person to review; it holds in all of them (see `inferRows`). */
  inferSchema(version: string, request: SchemaRequest): Promise<SchemaInference>;
  /** How a version and a reviewed schema differ: what the rows break, what they suggest, what the schema allows that no row has. */
  compareSchema(version: string, reviewed: TableSchema, request: SchemaRequest): Promise<SchemaComparison>;
  /**
   * Judges a version: five characteristics, each made of named checks. With `quarantine`, bad rows and the others become versions of their own.
   * @throws GyreError NOT_FOUND, INVALID_ARGUMENT (a column that is not there), FAILED_PRECONDITION when every row would be set aside
   */
  quality(version: string, request: QualityRequest): Promise<QualityReport>;
  /**
   * How two versions differ: rows, cells, columns, laws of values; of any size, in bounded memory.
   * @throws GyreError NOT_FOUND, INVALID_ARGUMENT or FAILED_PRECONDITION when the key asked for does not fit
   */
  compare(from: string, to: string, options?: CompareOptions): Promise<DatasetComparison>;
  /** @param version a digest or the first (at least 6) hex digits of one @throws GyreError NOT_FOUND naming what comes near */
  get(version: string): Promise<DatasetVersion>;
  /** Newest first. */
  list(options?: VersionList): Promise<{ readonly items: readonly DatasetVersion[]; readonly next?: string }>;
  /** Every dataset with its newest version and that one's marks, by name. @param dataset only this one; none when it has no version */
  summaries(dataset?: string): Promise<readonly DatasetSummary[]>;
  getSplit(id: string): Promise<Split>;
  /** Whether each part and validation set is like the first part, column by column. Made when it is first asked for, then kept. */
  splitReport(id: string): Promise<SplitReport>;
  /** The splits of a version, newest first. */
  splitsOf(version: string): Promise<readonly Split[]>;
  /** A report by its id, or the newest of a version. */
  getQuality(idOrVersion: string): Promise<QualityReport>;
  /** The course of quality over a dataset's versions, at most `limit` of the newest ones. @throws GyreError NOT_FOUND without any report */
  qualityTrend(dataset: string, limit?: number): Promise<QualityTrend>;
}
