import type { DatasetFile, DatasetIngestion, SourceKind, TableSchema } from '#contract';
import type { ColumnType, FileRead, Timestamps } from '#tables';
import type { SourceFormat } from '../port.ts';

/** Where rows come from. What is secret in an address is never recorded. */
export type DatasetSource =
  | { readonly kind: 'file'; /** Absolute. */ readonly path: string; /** Told by the name without it. */ readonly format?: SourceFormat }
  | {
      readonly kind: 'files';
      /** Absolute. */ readonly folder: string;
      /** Of Parquet files below the folder, such as `events/*.parquet`. */ readonly pattern: string;
    }
  /** `http://…`, `https://…` or `s3://bucket/key`; secrets are named in it: `${env:NAME}`. */
  | { readonly kind: 'url'; readonly address: string; readonly format?: SourceFormat }
  | DatabaseSource<'postgres'>
  | DatabaseSource<'mysql'>
  | { readonly kind: 'sqlite'; /** Absolute. */ readonly path: string; readonly query: string }
  | { readonly kind: 'excel'; /** Absolute. */ readonly path: string; /** The first without it. */ readonly sheet?: string };

interface DatabaseSource<K extends 'postgres' | 'mysql'> {
  readonly kind: K;
  /** `postgres://user:${env:NAME}@host/database`. */
  readonly address: string;
  readonly query: string;
}

/** What the caller says of how a text is written; what is left out is sniffed. */
export interface DialectSpec {
  readonly delimiter?: ',' | ';' | '\t' | '|';
  readonly decimal?: '.' | ',';
  /** Texts that stand for a missing value. */
  readonly missing?: readonly string[];
}

/** How a source's values are read. */
export interface ReadingSpec {
  readonly types: Readonly<Record<string, ColumnType>>;
  readonly dialect?: DialectSpec;
  readonly timestamps?: Timestamps;
  /** What to do with a column of several types: refused without it. */
  readonly mixed?: 'string';
  readonly memoryLimitMib?: number;
}

/** Only rows beyond a value are wanted. */
export interface Watermark {
  readonly column: string;
  /** Left out the first time. */
  readonly from?: string;
}

/** How a source stands, without its rows. */
export interface SourceLook {
  readonly found: DatasetIngestion['found'];
  /** The same stamp again: the source stands as it stood. Empty: nothing tells. */
  readonly stamp: string;
  /** UTC milliseconds of its last change, where it says so: what changed just now may change again without a trace. */
  readonly changedAt?: number;
  /** It is what was found the last time: the source itself says so. */
  readonly isKnown?: boolean;
}

/** Rows of a source, in a Parquet file of ours. */
export interface SourceRead extends FileRead {
  /** Absolute, in the folder that was given. */
  readonly path: string;
  /** The files that they came in, with the format of these; of a query there are none. */
  readonly source?: { readonly format: SourceFormat; readonly files: readonly DatasetFile[] };
  /** What the first look could not say, such as the digest. */
  readonly found?: DatasetIngestion['found'];
  /** Whether only rows beyond the watermark were read; else all were. */
  readonly isBeyond?: boolean;
}

export interface OpenSource {
  readonly kind: SourceKind;
  /** Without secrets. */
  readonly address: string;
  readonly query?: string;
  /** @param folder absolute, for what is fetched by looking; @param known what was found the last time */
  look(folder: string, known?: DatasetIngestion['found']): Promise<SourceLook>;
  /**
   * The digest of what it holds, where that can be had without reading the rows; the bytes are in the blobs then.
   * @returns undefined where only the rows themselves tell
   */
  digest?(): Promise<string>;
  /**
   * Reads the rows into a Parquet file.
   * @param folder absolute, for files on the way; the one that `look` had @throws GyreError ABORTED when the source changed meanwhile: then nothing was made
   */
  read(folder: string, reading: ReadingSpec, watermark?: Watermark): Promise<SourceRead>;
}

/** The types that a reviewed schema gives. */
export function declaredTypes(schema: TableSchema | undefined): Record<string, ColumnType> {
  return Object.fromEntries(schema?.columns.map(({ name, type }) => [name, type]) ?? []);
}
