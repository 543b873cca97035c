import type { ColumnType } from '#contract';
import type { LooseRecord } from '#tables';

/** A value in the column's own type, where it came in another that says the same: callers write 1 for "1" and true for 1. */
export function valueAs(type: ColumnType, value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (type === 'string') return typeof value === 'string' ? value : String(value);
  if (type === 'boolean') return value === 'true' ? true : value === 'false' ? false : value;
  if (type === 'instant') return value;
  if (typeof value === 'boolean') return Number(value);
  return typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value)) ? Number(value) : value;
}

/** A whole-number column into which somebody sent a fraction is a number column. */
export function widened(type: ColumnType, name: string, records: readonly LooseRecord[]): ColumnType {
  if (type !== 'integer') return type;
  const isWhole = records.every((record) => {
    const value = valueAs(type, record[name]);
    return typeof value !== 'number' || Number.isSafeInteger(value);
  });
  return isWhole ? 'integer' : 'number';
}
