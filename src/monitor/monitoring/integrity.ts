import type { InputColumn, IntegrityFinding, NamedRow } from '#contract';
import { wilsonInterval } from '#stats';

/** A finding with whether so many rows are affected that someone has to know. */
export interface JudgedFinding {
  readonly finding: IntegrityFinding;
  readonly isGrave: boolean;
}

/** More than one row in a hundred, beyond what was usual in training, and beyond doubt (99 %): single odd rows are reported, no alert. */
const graveShare = 0.01;
const graveConfidence = 0.98; // two-sided, so that one end holds with 99 %

/**
 * What is wrong with a window's rows by the model's signature: values of another type, more missing values than in training, categories
 * that training never saw, numbers outside of the range that it saw.
 * @param usuallyMissing share of missing values in training, by column
 */
export function integrityOf(
  inputs: readonly InputColumn[],
  rows: readonly NamedRow[],
  usuallyMissing: (column: string) => number,
): readonly JudgedFinding[] {
  return inputs.flatMap((input) => findingsOf(input, rows, usuallyMissing(input.name)));
}

function findingsOf(input: InputColumn, rows: readonly NamedRow[], usual: number): readonly JudgedFinding[] {
  const { name, categories, range } = input;
  const known = categories === undefined ? undefined : new Set(categories);
  const found = new Map<IntegrityFinding['kind'], { rows: number; example: IntegrityFinding['example'] }>();
  const note = (kind: IntegrityFinding['kind'], value: unknown): void => {
    const entry = found.get(kind);
    if (entry === undefined) found.set(kind, { rows: 1, example: shown(value) });
    else entry.rows++;
  };
  for (const row of rows) {
    const value = Object.hasOwn(row, name) ? row[name] : null;
    if (value === null || Number.isNaN(value)) note('missing', null);
    else if (!fits(input, value)) note('type', value);
    else if (typeof value === 'string' && known !== undefined && !known.has(value)) note('unseen_category', value);
    else if (typeof value === 'number' && range !== undefined && (value < range[0] || value > range[1])) note('out_of_range', value);
  }
  return [...found].flatMap(([kind, { rows: affected, example }]) => {
    const base = kind === 'missing' ? usual : 0;
    if (wilsonInterval(affected, rows.length).low <= base) return [];
    const isGrave = wilsonInterval(affected, rows.length, graveConfidence).low > base + graveShare;
    return [{ finding: { kind, column: name, rows: affected, share: affected / rows.length, example }, isGrave }];
  });
}

function fits({ datatype, type }: InputColumn, value: NonNullable<NamedRow[string]>): boolean {
  if (datatype === 'BYTES') return typeof value === 'string';
  // An instant is logged as text or as milliseconds.
  if (type === 'instant') return typeof value === 'number' || (typeof value === 'string' && !Number.isNaN(Date.parse(value)));
  return typeof value === 'number' || typeof value === 'boolean';
}

function shown(value: unknown): IntegrityFinding['example'] {
  if (value === null || typeof value === 'number') return Number.isNaN(value) ? null : value;
  return String(value).slice(0, 200);
}
