import type { Sha256 } from '#core';

/**
 * Where a room's tables refer to blobs. Each room that owns such a table says so by its door, so that garbage collection finds what is in
 * use without knowing any room's records.
 */
export interface BlobHolder {
  readonly table: string;
  /** Columns that together name a row: rows are read in their order. */
  readonly key: readonly string[];
  /** Columns of text or JSON. Every SHA-256 that stands anywhere in them counts as a reference: one too many keeps a blob, one too few loses it. */
  readonly columns: readonly string[];
  /** What a row is, in people's words: `run`. */
  readonly record: string;
  /** Which of the blobs that a row refers to are lists that name further ones: every SHA-256 in their bytes counts as well. */
  readonly lists?: (row: Readonly<Record<string, unknown>>) => readonly Sha256[];
}
