import type { ColumnSchema, DatasetVersion } from '#contract';
import { sqlName } from '#tables';
import type { ColumnType, OpenTables } from '#tables';
import type { MaskedColumns } from '../masking.ts';

/** A column that both versions have, with its type on each side. */
export interface SharedColumn {
  readonly name: string;
  readonly from: ColumnType;
  readonly to: ColumnType;
}

/** Two versions whose rows are open as the tables `from` and `to`. */
export interface Sides {
  readonly tables: OpenTables;
  readonly from: DatasetVersion;
  readonly to: DatasetVersion;
  readonly shared: readonly SharedColumn[];
  readonly masked: MaskedColumns;
}

/** Columns whose values can be held against each other: of one type, or both numbers. */
export function comparable({ shared }: Pick<Sides, 'shared'>): readonly SharedColumn[] {
  return shared.filter(({ from, to }) => from === to || (isNumeric(from) && isNumeric(to)));
}

const isNumeric = (type: ColumnType): boolean => type === 'integer' || type === 'number';

/** A column's value as SQL, so that equal values of both sides are equal and have one hash. */
export function alikeTerm({ name, from, to }: SharedColumn): string {
  const column = sqlName(name);
  if (from === to) return column;
  return isNumeric(from) && isNumeric(to) ? `${column}::DOUBLE` : `${column}::VARCHAR`;
}

export function sharedColumns(tables: OpenTables): SharedColumn[] {
  const to = new Map(tables.schemaOf('to').map(({ name, type }) => [name, type]));
  return tables.schemaOf('from').flatMap(({ name, type }) => {
    const other = to.get(name);
    return other === undefined ? [] : [{ name, from: type, to: other }];
  });
}

/** What the reviewed schema of a version says of a column. */
export function expectationOf(version: DatasetVersion, name: string): ColumnSchema | undefined {
  return version.schema.columns.find((column) => column.name === name);
}
