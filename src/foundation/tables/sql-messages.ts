import type { ErrorCode } from '#core';
import type { Cell } from './column.ts';

/** A table that a query names: what it may see of a Parquet file. */
export interface SqlTable {
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  /** What stands between SELECT and FROM: never made of a person's text. */
  readonly projection: string;
}

/** What came out of a query. */
export interface SqlResult {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly Cell[])[];
  /** Whether there were more rows than were asked for, or more bytes than an answer holds. */
  readonly truncated: boolean;
}

export interface SqlBounds {
  readonly maxRows: number;
  /** Of the answer as text, about. */
  readonly maxBytes: number;
  /** Of the engine. */
  readonly memoryLimitMib: number;
  /** Of the process, beyond what it needs to start: some functions allocate beside the engine's own accounts. */
  readonly processMib: number;
}

/** What the process is told: first the query, then the tables that it names. */
export type SqlRequest =
  | { readonly kind: 'read'; readonly sql: string; readonly bounds: SqlBounds }
  | { readonly kind: 'run'; readonly tables: readonly SqlTable[] };

export type SqlReply =
  | { readonly kind: 'tables'; readonly names: readonly string[] }
  | { readonly kind: 'result'; readonly result: SqlResult }
  | { readonly kind: 'failure'; readonly code: ErrorCode; readonly message: string };
