import type { Frame, TableSchema } from '#tables';

/** The rows of a table, batch by batch and as often as they are asked for, so that a table need not fit into memory. */
export interface Batches {
  readonly rows: number;
  readonly schema: TableSchema;
  /** @param columns what the batches hold, at least one @param take gets each batch and the position of its first row, in order */
  each(columns: readonly string[], take: (batch: Frame, firstRow: number) => void): Promise<void>;
}

/** A frame as one batch. */
export function frameBatches(frame: Frame): Batches {
  return { rows: frame.rows, schema: frame.schema, each: async (_columns, take) => take(frame, 0) };
}
