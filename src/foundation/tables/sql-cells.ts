import type { DuckDBDataChunk, DuckDBType } from '@duckdb/node-api';
import type { Cell } from './column.ts';

/** A value of any type of the engine as plain data: an integer beyond 2^53 and what JSON has no word for become texts, instants ISO 8601. */
export type CellReader = (value: unknown) => Cell;

/** @param type of the result's column */
export function cellReader(type: DuckDBType): CellReader {
  const unit = instantUnits[String(type)];
  return (value) => {
    if (value === null || value === undefined) return null;
    if (unit !== undefined && typeof value === 'object' && unit.of in value) return instantText(Reflect.get(value, unit.of), unit.perMs);
    switch (typeof value) {
      case 'boolean':
      case 'string':
        return value;
      case 'number':
        return Number.isFinite(value) ? value : null;
      case 'bigint':
        return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
      default:
        return decimalOf(value) ?? String(value);
    }
  };
}

/** The engine's instants: the member that counts, and how many of its units are a millisecond. */
const instantUnits: Readonly<Record<string, { readonly of: string; readonly perMs: number }>> = {
  TIMESTAMP: { of: 'micros', perMs: 1000 },
  'TIMESTAMP WITH TIME ZONE': { of: 'micros', perMs: 1000 },
  TIMESTAMP_S: { of: 'seconds', perMs: 1 / 1000 },
  TIMESTAMP_MS: { of: 'millis', perMs: 1 },
  TIMESTAMP_NS: { of: 'nanos', perMs: 1_000_000 },
  DATE: { of: 'days', perMs: 1 / 86_400_000 },
};

function instantText(count: unknown, perMs: number): Cell {
  const ms = Math.floor(Number(count) / perMs);
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : null;
}

function decimalOf(value: unknown): number | undefined {
  if (typeof value !== 'object' || value === null || !('scale' in value) || !('value' in value)) return undefined;
  return Number(value.value) / 10 ** Number(value.scale);
}

/** The rows of a chunk. */
export function chunkRows(chunk: DuckDBDataChunk, readers: readonly CellReader[]): Cell[][] {
  return chunk.getRows().map((row) => row.map((value, i) => readers[i](value)));
}
