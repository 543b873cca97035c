import { sql } from 'kysely';
import type { RawBuilder, SqlBool } from 'kysely';
import type { FilterCondition } from '#contract';
import { GyreError } from '#core';
import type { Db } from '#store';

/** A column against the condition's value. */
export function compared(db: Db, column: string, { comparator, value }: FilterCondition): RawBuilder<SqlBool> {
  const left = sql.ref(column);
  switch (comparator) {
    case 'LIKE':
    case 'ILIKE':
      return db.like(column, String(value), { ignoreCase: comparator === 'ILIKE' });
    case 'IN':
      return sql`${left} in (${sql.join([...value])})`;
    case 'NOT IN':
      return sql`${left} not in (${sql.join([...value])})`;
    case 'IS NULL':
      return sql`${left} is null`;
    case 'IS NOT NULL':
      return sql`${left} is not null`;
    default:
      return sql`${left} ${operatorOf(comparator)} ${value}`;
  }
}

/** An operator between numbers or texts. */
export function operatorOf(comparator: FilterCondition['comparator']): RawBuilder<unknown> {
  const operators: readonly string[] = ['=', '!=', '>', '>=', '<', '<='];
  if (!operators.includes(comparator)) throw new GyreError('INTERNAL', `"${comparator}" compares no numbers`);
  return sql.raw(comparator);
}
