import type { ColumnProfile, ColumnSchema } from '#contract';
import type { Frame } from '#tables';
import { formOf } from './value-form.ts';

/** What is suggested of a column, and why. */
export interface SuggestedColumn {
  readonly schema: ColumnSchema;
  readonly reasons: readonly string[];
}

export interface SuggestionOptions {
  readonly rows: number;
  /** The column that names a row. */
  readonly key?: string;
  /** Hold later rows to the ranges and lengths that were seen. */
  readonly tight: boolean;
}

const keyNames = /(^id$|_id$|^id_|[a-z]ID$|[a-z]Id$|^key$|^uuid$|^code$|_no$|_number$)/;
const shareNames = /(^|_|\b)(share|ratio|rate|fraction|prob|probability|proportion)($|_|\b)/i;
/** Fewer values than this show no form, no range and no uniqueness. */
const fewest = 20;

/**
 * What the figures of a column suggest beyond its type. All of it is held against the rows before anybody sees it (see `inferRows`).
 * @param base the column's type, and what a look at the values said (see `inferSchema`) @param frame the rows, or a sample of them
 */
export function suggestColumn(
  base: ColumnSchema,
  profile: ColumnProfile,
  frame: Frame,
  { rows, key, tight }: SuggestionOptions,
): SuggestedColumn {
  const { name, type } = base;
  const { missing, distinct, count } = profile;
  const isHidden = base.personal === true || base.sensitive === true;
  const isKey = name === key;
  const isUnique = isKey || isNameOfRows(profile, rows);
  const reasons = [countsText(profile, rows)];
  const column: ColumnSchema = { ...base, nullable: missing > 0 && !isKey };
  delete column.unique;
  if (missing > 0 && !isKey) Object.assign(column, maxMissing(missing / rows));
  if (isUnique) {
    column.unique = true;
    delete column.categories;
  } else if (count === rows && distinct === rows && rows >= fewest && (type === 'string' || type === 'integer'))
    reasons.push('no value is there twice: should it name a row, say "unique: true"');
  if (type === 'string' && column.categories === undefined && distinct >= fewest) {
    const { codes, dictionary } = frame.texts(name);
    const pattern = formOf([...new Set(codes)].filter((code) => code >= 0).map((code) => dictionary[code]));
    if (pattern !== undefined) column.pattern = pattern;
  }
  if (isUnique) delete column.min;
  else if (profile.numeric && shareNames.test(name) && isWithinOne(profile.numeric)) Object.assign(column, { min: 0, max: 1 });
  if (tight && !isHidden && !isUnique) Object.assign(column, seenLimits(column, profile));
  if (type === 'instant' && distinct > 1 && count >= fewest) column.order = 'rising';
  if (!isHidden) reasons.push(...valuesText(profile));
  return { schema: column, reasons };
}

function isNameOfRows({ name, type, count, distinct }: ColumnProfile, rows: number): boolean {
  return count === rows && distinct === rows && rows >= fewest && keyNames.test(name) && (type === 'string' || type === 'integer');
}

const isWithinOne = ({ min, max }: NonNullable<ColumnProfile['numeric']>): boolean => min !== null && max !== null && min >= 0 && max <= 1;

const shares = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5] as const;

/** Twice what is missing, rounded up: later rows may miss some more. */
function maxMissing(share: number): Pick<ColumnSchema, 'maxMissing'> {
  const most = shares.find((each) => each >= 2 * share);
  return most === undefined ? {} : { maxMissing: most };
}

function seenLimits(column: ColumnSchema, { numeric, text, instants }: ColumnProfile): Partial<ColumnSchema> {
  if (numeric) {
    const { min, max } = numeric;
    return { ...(min === null ? {} : { min }), ...(max === null ? {} : { max }) };
  }
  if (text && column.categories === undefined && column.pattern === undefined)
    return { minLength: text.minLength, maxLength: text.maxLength };
  return instants?.first === undefined ? {} : { earliest: instants.first };
}

function countsText({ count, missing, distinct }: ColumnProfile, rows: number): string {
  const present = missing === 0 ? 'present in every row' : `missing in ${missing} of ${rows} rows`;
  const different = count > 0 && distinct === count ? 'all different' : `${distinct} different ${distinct === 1 ? 'value' : 'values'}`;
  return count === 0 ? 'no row has a value' : `${present}; ${different}`;
}

function valuesText({ numeric, text, instants }: ColumnProfile): string[] {
  if (numeric) return [`from ${numeric.min} to ${numeric.max}, mean ${numeric.mean === null ? '-' : Number(numeric.mean.toPrecision(4))}`];
  if (instants?.first !== undefined) return [`from ${instants.first} to ${instants.last}`];
  if (text) return [`${text.minLength === text.maxLength ? text.minLength : `${text.minLength} to ${text.maxLength}`} characters`];
  return [];
}
