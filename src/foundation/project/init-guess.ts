import { GyreError } from '#core';
import type { TableSchema, Task } from '#contract';
import { suggestionFor } from './suggest.ts';

/** What was counted in a column. */
export interface ColumnCounts {
  readonly name: string;
  /** Different values, missing ones aside. */
  readonly distinct: number;
  readonly missing: number;
  /** Value → how often, for the commonest ones. */
  readonly top?: readonly { readonly value: string; readonly count: number }[];
}

/** A table as inference saw it. */
export interface InferredTable {
  readonly schema: TableSchema;
  readonly rows: number;
  readonly columns: readonly ColumnCounts[];
}

export interface Guess {
  /** None where no column has a different value in each row: then all values of a row name it. */
  readonly key?: string;
  readonly target: string;
  readonly task: Task;
  readonly positive?: string;
  /** Text columns with so many values that they say nothing of a new row: left out of the features. */
  readonly excluded: readonly string[];
  /** Sentences about what was guessed, for a person to check. */
  readonly notes: readonly string[];
}

const targetNames = [
  'target',
  'label',
  'class',
  'y',
  'outcome',
  'churn',
  'churned',
  'default',
  'fraud',
  'is_fraud',
  'survived',
  'response',
];
const keyNames = /(^id$|_id$|^id_|[a-z]ID$|^key$|^uuid$|number$|^no$)/;
const positiveNames = ['yes', 'true', '1', 'positive', 'churned', 'y', 'bad', 'fraud'];

/**
 * Guesses the key, the target and its task from names and counts.
 * @throws GyreError INVALID_ARGUMENT when a named column is not there, a named key names no row, or the target has one value only
 */
export function guessProject(table: InferredTable, given: { readonly key?: string; readonly target?: string } = {}): Guess {
  const notes: string[] = [];
  const key = given.key === undefined ? guessKey(table, notes) : givenKey(table, given.key);
  const target = given.target === undefined ? guessTarget(table, key, notes) : knownColumn(table, given.target);
  if (target === key) throw new GyreError('INVALID_ARGUMENT', `"${key}" cannot be both the key and the target`);
  const counts = countsOf(table, target);
  if (counts.distinct < 2) {
    throw new GyreError(
      'INVALID_ARGUMENT',
      `the target "${target}" has ${counts.distinct} value: there is nothing to learn from it; name another with --target`,
    );
  }
  const task = taskOfColumn(table, target);
  notes.push(`"${target}" has ${counts.distinct} different values: a ${task} task`);
  const positive = task === 'binary' ? guessPositive(counts) : undefined;
  if (positive !== undefined) notes.push(`"${positive}" is taken as the positive class of "${target}"`);
  const excluded = table.columns
    .filter(
      ({ name, distinct }) =>
        name !== key && name !== target && typeOf(table, name) === 'string' && distinct > Math.max(50, table.rows * 0.2),
    )
    .map(({ name }) => name);
  if (excluded.length > 0) notes.push(`left out of the features, being almost different in every row: ${excluded.join(', ')}`);
  return { ...(key === undefined ? {} : { key }), target, task, ...(positive === undefined ? {} : { positive }), excluded, notes };
}

function givenKey(table: InferredTable, name: string): string {
  const key = knownColumn(table, name);
  const { distinct, missing } = countsOf(table, key);
  if (missing > 0) throw new GyreError('INVALID_ARGUMENT', `"${key}" is missing in ${missing} rows, so it cannot name a row`);
  if (distinct < table.rows) {
    const message = `"${key}" has ${distinct} different values in ${table.rows} rows, so it cannot name a row; leave --key out, and all values of a row name it`;
    throw new GyreError('INVALID_ARGUMENT', message, { key });
  }
  return key;
}

function guessKey(table: InferredTable, notes: string[]): string | undefined {
  const unique = table.columns.filter(({ name, distinct, missing }) => {
    const type = typeOf(table, name);
    return missing === 0 && distinct === table.rows && (type === 'string' || type === 'integer');
  });
  const chosen = unique.find(({ name }) => keyNames.test(name)) ?? unique.find(({ name }) => typeOf(table, name) === 'string') ?? unique[0];
  notes.push(
    chosen === undefined
      ? 'no column has a different value in every row: there is no key, all values of a row name it'
      : `"${chosen.name}" has a different value in each of ${table.rows} rows: taken as the key`,
  );
  return chosen?.name;
}

function guessTarget(table: InferredTable, key: string | undefined, notes: string[]): string {
  const candidates = table.columns.filter(({ name, distinct }) => name !== key && distinct > 1);
  const byName = targetNames
    .map((wanted) => candidates.find(({ name }) => name.toLowerCase() === wanted))
    .find((column) => column !== undefined);
  if (byName !== undefined) {
    notes.push(`"${byName.name}" is taken as the target, by its name`);
    return byName.name;
  }
  const last = candidates.at(-1);
  if (last === undefined) throw new GyreError('INVALID_ARGUMENT', 'no column could be the target: each holds one value only');
  notes.push(`"${last.name}" is taken as the target, being the last column`);
  return last.name;
}

/** Numbers with many values are measured, everything else is a class. */
function taskOfColumn(table: InferredTable, column: string): Task {
  const type = typeOf(table, column);
  const { distinct } = countsOf(table, column);
  if (distinct === 2) return 'binary';
  if (type === 'number' || type === 'instant' || (type === 'integer' && distinct > 20)) return 'regression';
  return 'multiclass';
}

function guessPositive(counts: ColumnCounts): string | undefined {
  const top = counts.top ?? [];
  const named = top.find(({ value }) => positiveNames.includes(value.toLowerCase()));
  return (named ?? [...top].sort((left, right) => left.count - right.count)[0])?.value;
}

function knownColumn(table: InferredTable, name: string): string {
  if (table.columns.some((column) => column.name === name)) return name;
  const suggestion = suggestionFor(
    name,
    table.columns.map((column) => column.name),
    'columns',
  );
  throw new GyreError('INVALID_ARGUMENT', `there is no column "${name}"; ${suggestion ?? ''}`);
}

function countsOf(table: InferredTable, name: string): ColumnCounts {
  return table.columns.find((column) => column.name === name) ?? { name, distinct: 0, missing: 0 };
}

function typeOf(table: InferredTable, name: string): string | undefined {
  return table.schema.columns.find((column) => column.name === name)?.type;
}
