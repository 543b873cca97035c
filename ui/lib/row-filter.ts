import type { ColumnType } from './shapes.ts';

/*
 * Conditions on rows in the words of the rows route: `tenure > 0 and Contract = 'One year'`. Pure: the form and the chips go by it.
 */

/** A comparison of a column with a constant, or whether its value is missing. */
export interface RowFilter {
  readonly column: string;
  readonly operator: string;
  /** As it is written, a boolean as true or false. */
  readonly value: string;
}

/** The comparisons that a column's type allows. */
export function operatorsOf(type: ColumnType): readonly string[] {
  return [...(type === 'string' || type === 'boolean' ? ['=', '!='] : ['=', '!=', '>', '>=', '<', '<=']), ...withoutValue];
}

/** What is asked of a column without a constant. */
const withoutValue: readonly string[] = ['is missing', 'is not missing'];

export const takesValue = (operator: string): boolean => !withoutValue.includes(operator);

/** Filters as the query of an address holds them, one a member: `Contract|=|One year`. */
export function filterText({ column, operator, value }: RowFilter): string {
  return [encodeURIComponent(column), operator, value].join('|');
}

/** @returns the filters that can be read; what somebody broke in the address is left out */
export function filtersIn(search: string, name = 'where'): readonly RowFilter[] {
  return new URLSearchParams(search).getAll(name).flatMap((text) => {
    const [column, operator, ...value] = text.split('|');
    if (column === undefined || column === '' || operator === undefined || value.length === 0) return [];
    return [{ column: decodeURIComponent(column), operator, value: value.join('|') }];
  });
}

/** The query with these filters instead of those that it had. */
export function searchWith(search: string, filters: readonly RowFilter[], name = 'where'): string {
  const query = new URLSearchParams(search);
  query.delete(name);
  for (const filter of filters) query.append(name, filterText(filter));
  return query.size === 0 ? '' : `?${query.toString()}`;
}

/** The condition that the server reads; undefined without filters. */
export function conditionOf(filters: readonly RowFilter[], types: ReadonlyMap<string, ColumnType>): string | undefined {
  const parts = filters.map(({ column, operator, value }) =>
    takesValue(operator) ? `"${column}" ${operator} ${constant(value, types.get(column))}` : `"${column}" ${operator}`,
  );
  return parts.length === 0 ? undefined : parts.join(' and ');
}

function constant(value: string, type: ColumnType | undefined): string {
  if (type === 'boolean') return value === 'true' ? '1' : '0';
  if ((type === 'integer' || type === 'number') && value.trim() !== '' && Number.isFinite(Number(value))) return String(Number(value));
  return `'${value.replaceAll("'", "''")}'`;
}
