import type { PersonalSuggestion } from '#contract';
import { cellOf, isMissing } from '#tables';
import type { ColumnType, Frame } from '#tables';
import { kindOfName } from './column-kinds.ts';
import { kindOfValue } from './value-kinds.ts';
import type { ValueKind } from './value-kinds.ts';

/** Different values of a column that are looked at. */
const mostValues = 500;
/** From this share of its values on, a column is of their kind. Digits are right by chance more often than letters. */
const leastShare: Readonly<Record<ValueKind, number>> = {
  'e-mail address': 0.3,
  IBAN: 0.3,
  'IP address': 0.5,
  'national id': 0.5,
  'payment card': 0.7,
  'phone number': 0.7,
};
const fewestValues = 3;

/**
 * The columns that look like data of persons, by their values (e-mail, IBAN and card with their check digits, …) or by their names where
 * the values can be such. It finds what has a known form, not what tells of a person in free text.
 * @param frame some rows of a table
 */
export function suggestPersonal(frame: Frame): PersonalSuggestion[] {
  return frame.schema.flatMap(({ name, type }) => {
    const values = someValues(frame, name, type);
    const byValue = ofValues(type === 'string' || type === 'integer' ? values : []);
    if (byValue) {
      const evidence = `${Math.round(byValue.share * 100)} % of its values have the form of this`;
      return [{ column: name, kind: byValue.kind, tag: 'personal' as const, evidence }];
    }
    const byName = kindOfName(name, type, values);
    if (!byName) return [];
    return [
      {
        column: name,
        kind: byName.kind,
        tag: byName.isSensitive ? ('sensitive' as const) : ('personal' as const),
        evidence: 'its name says so',
      },
    ];
  });
}

/** Different values in the order in which they stand. */
function someValues(frame: Frame, name: string, type: ColumnType): string[] {
  const column = frame.column(name);
  const found = new Set<string>();
  for (let row = 0; row < frame.rows && found.size < mostValues; row++)
    if (!isMissing(column, row)) found.add(String(cellOf(column, type, row)));
  return [...found];
}

function ofValues(values: readonly string[]): { readonly kind: ValueKind; readonly share: number } | undefined {
  if (values.length < fewestValues) return undefined;
  const counts = new Map<ValueKind, number>();
  for (const value of values) {
    const kind = kindOfValue(value);
    if (kind) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  const kinds = [...counts].map(([kind, count]) => ({ kind, share: count / values.length }));
  return kinds.sort((left, right) => right.share - left.share).find(({ kind, share }) => share >= leastShare[kind]);
}
