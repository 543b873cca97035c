import { sqlName } from '#tables';
import type { ColumnType } from '#tables';

/** What stands in place of a text that the reader may not see. Values of other types are left out (null), so that a column keeps its type. */
export const maskedText = '***';

/** The columns whose values a reader may not see. */
export type MaskedColumns = ReadonlySet<string>;

/** The SQL of a column as a reader sees it: what is masked does not leave the engine. */
export function shownColumn({ name, type }: { readonly name: string; readonly type: ColumnType }, masked: MaskedColumns): string {
  const column = sqlName(name);
  if (!masked.has(name)) return column;
  return type === 'string'
    ? `CASE WHEN ${column} IS NULL THEN NULL ELSE '${maskedText}' END AS ${column}`
    : `NULL::${sqlTypes[type]} AS ${column}`;
}

const sqlTypes = { integer: 'BIGINT', number: 'DOUBLE', boolean: 'BOOLEAN', instant: 'TIMESTAMP_MS' } as const;
