import { GyreError } from '#core';
import type { ColumnType } from './column.ts';
import { BOOLEAN, DATED, DIGITS, INSTANT, INTEGER, MISSING, NON_FINITE, NUMBER, TEXT, valueClasses } from './field-values.ts';
import type { ValueClass } from './field-values.ts';
import type { DateOrder, DatedInstant } from './instants.ts';

/** A value with the line of the file (from 1) on which its record begins. */
export interface LineExample {
  readonly line: number;
  readonly value: string;
}

/** Why a column got its type: how many values read as what, and which lines contradict the majority. */
export interface ColumnEvidence {
  readonly name: string;
  readonly type: ColumnType;
  /** Whether the caller declared the type; else it was inferred. */
  readonly declared: boolean;
  readonly counts: Readonly<Record<ValueClass, number>>;
  /** Of an instant column that is written with the year last: what stands first in it. */
  readonly order?: DateOrder;
  /** Dates that cannot be read as they stand: nothing tells day from month, or they are written in several ways. */
  readonly dates?: { readonly problem: 'ambiguous' | 'several'; readonly examples: readonly LineExample[] };
  /** For a string column most of whose values read as something else. */
  readonly mixed?: {
    readonly majority: 'number' | 'boolean' | 'instant';
    readonly agreeing: number;
    readonly contradicting: number;
    readonly examples: readonly LineExample[];
  };
}

const examplesKept = 5;

/** Counts of value classes for one column, with the first examples of each class. */
export interface ClassTally {
  readonly counts: Float64Array;
  readonly examples: readonly LineExample[][];
  /** Of the dated values: those that are a day in one order only, with the first of each. */
  readonly only: Record<DateOrder, LineExample[]>;
}

export function newTally(): ClassTally {
  return {
    counts: new Float64Array(valueClasses.length),
    examples: valueClasses.map(() => []),
    only: { 'day-first': [], 'month-first': [] },
  };
}

/** Counts a dated value whose order its own text tells. */
export function tallyDated({ only }: ClassTally, { dayFirst, monthFirst }: DatedInstant, example: () => LineExample): void {
  const order = Number.isNaN(monthFirst) ? 'day-first' : Number.isNaN(dayFirst) ? 'month-first' : undefined;
  if (order !== undefined && only[order].length < examplesKept) only[order].push(example());
}

/** Whether the tally still collects examples of this class (a caller then decodes the text, else not). */
export function wantsExample(tally: ClassTally, valueClass: number): boolean {
  return tally.examples[valueClass].length < examplesKept;
}

const groups = {
  number: [INTEGER, NUMBER, NON_FINITE],
  boolean: [BOOLEAN],
  instant: [INSTANT, DATED],
} as const;

/** The types whose values may hold each class. */
const fits: Record<ColumnType, readonly number[]> = {
  integer: [INTEGER],
  number: [INTEGER, NUMBER],
  boolean: [BOOLEAN],
  instant: [INSTANT, DATED],
  string: [INTEGER, NUMBER, BOOLEAN, INSTANT, NON_FINITE, DIGITS, TEXT, DATED],
};

/** How dates with the year last are read: in this order, or not as dates. Without a word what the values themselves tell. */
export type Timestamps = DateOrder | 'text';

/** The order of dates with the year last, and what keeps them from being read. */
function orderOf(tally: ClassTally, said: Timestamps | undefined): Pick<ColumnEvidence, 'order' | 'dates'> {
  const { counts, examples, only } = tally;
  if (counts[DATED] === 0 || said === 'text') return {};
  const against = (order: DateOrder): readonly LineExample[] => only[order === 'day-first' ? 'month-first' : 'day-first'];
  const told = (['day-first', 'month-first'] as const).filter((order) => only[order].length > 0);
  const order = said ?? (told.length === 1 ? told[0] : undefined);
  if (counts[INSTANT] > 0) return { dates: { problem: 'several', examples: [examples[INSTANT][0], examples[DATED][0]] } };
  if (order === undefined) {
    const isBoth = told.length === 2;
    const shownOnes = isBoth ? told.map((each) => only[each][0]) : examples[DATED].slice(0, examplesKept);
    return { dates: { problem: isBoth ? 'several' : 'ambiguous', examples: shownOnes } };
  }
  if (against(order).length > 0) return { order, dates: { problem: 'several', examples: against(order) } };
  return { order };
}

/**
 * Settles a column's type: the declared one, or the narrowest type that all values fit.
 * @param timestamps how the caller says that dates with the year last are written
 */
export function decide(name: string, tally: ClassTally, declared: ColumnType | undefined, timestamps?: Timestamps): ColumnEvidence {
  const { counts } = tally;
  const present = counts.reduce((sum, count) => sum + count, 0) - counts[MISSING];
  const all = (...classes: readonly number[]): boolean => classes.reduce((sum, each) => sum + counts[each], 0) === present;
  const evidence = {
    name,
    declared: declared !== undefined,
    counts: Object.fromEntries(valueClasses.map((each, i) => [each, counts[i]])) as Record<ValueClass, number>,
  };
  if (declared !== undefined) return { ...evidence, type: declared, ...(declared === 'instant' ? orderOf(tally, timestamps) : {}) };
  if (present === 0) return { ...evidence, type: 'string' };
  if (all(INTEGER)) return { ...evidence, type: 'integer' };
  if (all(INTEGER, NUMBER, NON_FINITE) && !all(NON_FINITE)) return { ...evidence, type: 'number' };
  if (all(BOOLEAN)) return { ...evidence, type: 'boolean' };
  if (all(INSTANT)) return { ...evidence, type: 'instant' };
  if (all(INSTANT, DATED)) return { ...evidence, type: timestamps === 'text' ? 'string' : 'instant', ...orderOf(tally, timestamps) };
  if (all(INTEGER, DIGITS)) return { ...evidence, type: 'string' }; // keys such as 007: no contradiction
  for (const [majority, classes] of Object.entries(groups) as [keyof typeof groups, readonly number[]][]) {
    const agreeing = classes.reduce((sum, each) => sum + counts[each], 0);
    if (agreeing * 2 >= present && agreeing > counts[NON_FINITE]) {
      const against = tally.examples.flatMap((examples, each) => (each === MISSING || classes.includes(each) ? [] : examples));
      const examples = against.sort((left, right) => left.line - right.line).slice(0, examplesKept);
      return { ...evidence, type: 'string', mixed: { majority, agreeing, contradicting: present - agreeing, examples } };
    }
  }
  return { ...evidence, type: 'string' };
}

/** What a reader does with values that are no finite numbers, and with columns of mixed types. */
export interface StrictnessOptions {
  /** `NaN`, `inf` in a number column: refused with their lines (default), or taken as missing. */
  readonly nonFinite?: 'refuse' | 'missing';
  /** A column most of whose values are numbers (booleans, instants) and some are not: refused (default), or read as a string column. */
  readonly mixed?: 'refuse' | 'string';
}

/**
 * Checks the settled columns together, so that one error names everything that is wrong.
 * @throws GyreError INVALID_ARGUMENT with lines and examples
 */
export function refuseProblems(
  what: string,
  columns: readonly ColumnEvidence[],
  tallies: readonly ClassTally[],
  { nonFinite = 'refuse', mixed = 'refuse' }: StrictnessOptions,
): void {
  const problems = columns.flatMap((column, i): { column: string; problem: string; lines: number[] }[] => {
    const { name, type } = column;
    const { examples, counts } = tallies[i];
    const found = [];
    const isNumeric = type === 'number' || type === 'integer';
    if (isNumeric && counts[NON_FINITE] > 0 && nonFinite === 'refuse') {
      const problem = `column "${name}" has ${counted(counts[NON_FINITE], 'value')} that ${counts[NON_FINITE] === 1 ? 'is' : 'are'} not finite: ${shown(examples[NON_FINITE])}; leave the field blank where a value is missing`;
      found.push({ column: name, problem, lines: examples[NON_FINITE].map(({ line }) => line) });
    }
    if (column.dates !== undefined) {
      const { problem, examples: dates } = column.dates;
      const why = problem === 'ambiguous' ? 'has dates that do not tell day from month' : 'has timestamps in several formats';
      found.push({ column: name, problem: `column "${name}" ${why}: ${shown(dates)}; ${dateChoice(column)}`, lines: linesOf(dates) });
    }
    if (column.mixed && mixed === 'refuse') {
      const { majority, agreeing, contradicting, examples: against } = column.mixed;
      const problem = `column "${name}" mixes types: ${counted(agreeing, 'value')} read as ${majority}, ${contradicting} ${contradicting === 1 ? 'does' : 'do'} not: ${shown(against)}; correct them, list them as missing values, or declare the column as string`;
      found.push({ column: name, problem, lines: against.map(({ line }) => line) });
    }
    const wrong = column.declared
      ? valueClasses
          .map((_, each) => each)
          .filter((each) => each !== MISSING && !fits[type].includes(each) && !(isNumeric && each === NON_FINITE))
      : [];
    const wrongCount = wrong.reduce((sum, each) => sum + counts[each], 0);
    if (wrongCount > 0) {
      const against = wrong.flatMap((each) => examples[each]).sort((left, right) => left.line - right.line);
      const problem = `column "${name}" is declared as ${type}, but ${counted(wrongCount, 'value')} ${wrongCount === 1 ? 'does' : 'do'} not read as one: ${shown(against.slice(0, examplesKept))}`;
      found.push({ column: name, problem, lines: against.slice(0, examplesKept).map(({ line }) => line) });
    }
    return found;
  });
  if (problems.length > 0) {
    throw new GyreError('INVALID_ARGUMENT', `${what}: ${problems.map(({ problem }) => problem).join('\n')}`, {
      problems: problems.map(({ column, lines }) => ({ column, lines })),
    });
  }
}

/** The choice that whoever brings the data has to make. */
const dateChoice = ({ dates, order }: ColumnEvidence): string =>
  dates?.problem === 'ambiguous'
    ? 'say which stands first with "timestamps: day-first" or "timestamps: month-first", or keep them as texts with "timestamps: text"'
    : `write all of them alike (best 2025-12-31T23:59:59Z)${order === undefined ? '' : `, ${order} is not what these are`}, or keep them as texts with "timestamps: text"`;

const linesOf = (examples: readonly LineExample[]): number[] => examples.map(({ line }) => line);

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

const shown = (examples: readonly LineExample[]): string =>
  examples.map(({ line, value }) => `line ${line} ${JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)}`).join(', ');
