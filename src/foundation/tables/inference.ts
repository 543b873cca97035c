import { GyreError } from '#core';
import type { ColumnType } from './column.ts';
import { BOOLEAN, DIGITS, INSTANT, INTEGER, MISSING, NON_FINITE, NUMBER, TEXT, valueClasses } from './field-values.ts';
import type { ValueClass } from './field-values.ts';

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
}

export function newTally(): ClassTally {
  return { counts: new Float64Array(valueClasses.length), examples: valueClasses.map(() => []) };
}

/** Whether the tally still collects examples of this class (a caller then decodes the text, else not). */
export function wantsExample(tally: ClassTally, valueClass: number): boolean {
  return tally.examples[valueClass].length < examplesKept;
}

const groups = {
  number: [INTEGER, NUMBER, NON_FINITE],
  boolean: [BOOLEAN],
  instant: [INSTANT],
} as const;

/** The types whose values may hold each class. */
const fits: Record<ColumnType, readonly number[]> = {
  integer: [INTEGER],
  number: [INTEGER, NUMBER],
  boolean: [BOOLEAN],
  instant: [INSTANT],
  string: [INTEGER, NUMBER, BOOLEAN, INSTANT, NON_FINITE, DIGITS, TEXT],
};

/** Settles a column's type: the declared one, or the narrowest type that all values fit. */
export function decide(name: string, tally: ClassTally, declared: ColumnType | undefined): ColumnEvidence {
  const { counts } = tally;
  const present = counts.reduce((sum, count) => sum + count, 0) - counts[MISSING];
  const all = (...classes: readonly number[]): boolean => classes.reduce((sum, each) => sum + counts[each], 0) === present;
  const evidence = {
    name,
    declared: declared !== undefined,
    counts: Object.fromEntries(valueClasses.map((each, i) => [each, counts[i]])) as Record<ValueClass, number>,
  };
  if (declared !== undefined) return { ...evidence, type: declared };
  if (present === 0) return { ...evidence, type: 'string' };
  if (all(INTEGER)) return { ...evidence, type: 'integer' };
  if (all(INTEGER, NUMBER, NON_FINITE) && !all(NON_FINITE)) return { ...evidence, type: 'number' };
  if (all(BOOLEAN)) return { ...evidence, type: 'boolean' };
  if (all(INSTANT)) return { ...evidence, type: 'instant' };
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

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

const shown = (examples: readonly LineExample[]): string =>
  examples.map(({ line, value }) => `line ${line} ${JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)}`).join(', ');
