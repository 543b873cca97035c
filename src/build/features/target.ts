import type { Task, TransformStep } from '#contract';
import { GyreError } from '#core';
import { isMissing, lengthOf } from '#tables';
import type { Frame } from '#tables';

/** What is predicted: the task, the classes in the order of the probabilities (none for regression), and the positive one. */
export interface TargetFacts {
  readonly target: string;
  readonly task: Task;
  readonly classes: readonly string[];
  readonly positive?: string;
}

const mostClasses = 1000;

/** The text that names a row's class: texts as they are, booleans `false` and `true`, numbers as JavaScript writes them. */
function classOf(frame: Frame, target: string): (row: number) => string {
  const column = frame.column(target);
  if (column.kind === 'text') return (row) => column.dictionary[column.codes[row]];
  if (frame.typeOf(target) === 'boolean') return (row) => String(column.values[row] !== 0);
  return (row) => String(column.values[row]);
}

/** Positions of rows without a target. @throws GyreError INVALID_ARGUMENT when there is no such column */
function requireTargets(frame: Frame, target: string): void {
  const column = frame.column(target);
  let missing = 0;
  let first = -1;
  for (let row = 0; row < lengthOf(column); row++) {
    if (!isMissing(column, row)) continue;
    if (missing++ === 0) first = row;
  }
  if (missing === 0) return;
  throw new GyreError(
    'INVALID_ARGUMENT',
    `${missing} of ${frame.rows} rows have no value in the target "${target}", the first is row ${first}: rows without a label cannot be learned from or judged on`,
    { target, missing, row: first },
  );
}

/**
 * Settles the task and its classes from the training rows: two classes are binary, more texts multiclass, numbers regression, unless the
 * specification says otherwise. Classes are sorted by their text (numbers by size); with a positive class, binary puts it last.
 * @throws GyreError INVALID_ARGUMENT when a row has no target, there is one class only, or the specification names a task or class that does not fit
 */
export function settleTarget(frame: Frame, spec: Pick<TransformStep, 'target' | 'task' | 'positive'>): TargetFacts {
  const { target, positive } = spec;
  requireTargets(frame, target);
  const fail = (message: string): never => {
    throw new GyreError('INVALID_ARGUMENT', `target "${target}": ${message}`, { target });
  };
  const column = frame.column(target);
  if (column.kind === 'instant') fail('an instant cannot be predicted; name a number or a class column');
  const isNumber = column.kind === 'number' && frame.typeOf(target) !== 'boolean';
  if (spec.task === 'regression' || (spec.task === undefined && positive === undefined && isNumber && !isZeroOne(column.values))) {
    if (column.kind !== 'number') return fail('a regression needs a number column');
    if (!column.values.every(Number.isFinite)) fail('it has infinite values; a regression needs finite ones');
    if (column.values.every((value) => value === column.values[0]))
      fail(`all rows have the value ${column.values[0]}: there is nothing to learn`);
    return { target, task: 'regression', classes: [] };
  }
  const name = classOf(frame, target);
  const found = new Set<string>();
  for (let row = 0; row < frame.rows; row++) found.add(name(row));
  if (found.size > mostClasses) fail(`it has ${found.size} classes; ${mostClasses} are the most. For a number say task: regression`);
  const classes = [...found].sort(isNumber ? (left, right) => Number(left) - Number(right) : undefined);
  if (classes.length < 2) fail(`all ${frame.rows} training rows have the class "${classes[0]}": a classifier needs at least two`);
  const task = spec.task ?? (classes.length === 2 ? 'binary' : 'multiclass');
  if (task === 'binary' && classes.length > 2) fail(`it has ${classes.length} classes (${shown(classes)}); binary means two`);
  if (positive === undefined) return task === 'binary' ? { target, task, classes, positive: classes[1] } : { target, task, classes };
  if (!found.has(positive)) fail(`the positive class "${positive}" is in no training row; the classes are ${shown(classes)}`);
  if (task === 'multiclass') return { target, task, classes, positive };
  return { target, task, classes: [...classes.filter((one) => one !== positive), positive], positive };
}

const isZeroOne = (values: Float64Array): boolean => values.every((value) => value === 0 || value === 1);

const shown = (classes: readonly string[]): string =>
  `${classes.slice(0, 10).map((one) => `"${one}"`).join(', ')}${classes.length > 10 ? ', …' : ''}`; // prettier-ignore

/**
 * The target of each row: index of its class, or the number itself.
 * @throws GyreError INVALID_ARGUMENT when a row has no target, or a class that training never saw
 */
export function targetsOf(frame: Frame, { target, task, classes }: TargetFacts): Float64Array {
  requireTargets(frame, target);
  if (task === 'regression') return frame.numbers(target);
  const indexOf = new Map(classes.map((one, index) => [one, index]));
  const name = classOf(frame, target);
  return Float64Array.from({ length: frame.rows }, (_, row) => {
    const index = indexOf.get(name(row));
    if (index !== undefined) return index;
    throw new GyreError(
      'INVALID_ARGUMENT',
      `row ${row} has the class "${name(row)}" in "${target}", which training never saw; the classes are ${shown(classes)}`,
      { target, row },
    );
  });
}
