import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FailingExample } from '#contract';
import { seeded } from '#core';
import { fitLearner, predictProbabilities } from '#learners';
import type { Matrix, TrainingData } from '#learners';
import { suspectLabels } from '#stats';
import { positionColumn, sqlName, takeRows } from '#tables';
import type { Frame } from '#tables';
import { maskedValue, rowNumber } from '../masking.ts';
import type { MaskedColumns } from '../masking.ts';
import { learnableColumns, quickFeatures, rowsWith } from '../quick-features.ts';
import type { QualityRequest } from '../port.ts';
import { wholeTable } from './batches.ts';
import type { OpenedRows } from './batches.ts';
import { never, unmeasured } from './limits.ts';
import type { Finding } from './limits.ts';
import { rowsWord } from './row-check.ts';
import { hashRows } from './row-hash.ts';
import { groupName } from './value-counts.ts';

const name = 'label errors';
const folds = 5;
/** Usual parameters of a quick model; a search would cost more than the suspicion is worth. */
const params = { iterations: 60, learning_rate: 0.1 };
const seed = 20_260_101;
/** More classes, or fewer rows of one, say too little of what a class looks like. */
const mostClasses = 20;
const fewestOfClass = 10;
const fewestRows = 100;
const mostRows = 20_000;
/** Feature values times classes that five fits may work on: seconds of one processor. */
const mostWork = 2_000_000;
/** A model that knows nothing contradicts labels by chance. */
const leastSkill = 0.01;
/** A person goes through suspected labels one by one: more of them are kept than of other failing rows. */
const examplesKept = 20;

export type LabelsRequest = Pick<QualityRequest, 'key' | 'target' | 'unused'>;

/** For the tests, which have no large tables. */
export interface LabelsLimits {
  readonly rows?: number;
}

/**
 * Labels that are probably wrong, by confident learning (see `suspectLabels`): gradient boosting tells the class of each row from the other rows
 * only (five folds; rows that are alike in every feature are in one fold), and a row is suspected that is confidently of another class than its
 * label. Wrong labels and classes that overlap look the same to a model, so that it has no limit of its own. Score: the share of rows that are
 * not suspected. Of a large table at most 20,000 rows are looked at, fewer where there are many columns or classes.
 */
export async function labelErrors(
  opened: OpenedRows,
  request: LabelsRequest,
  masked: MaskedColumns,
  limits: LabelsLimits = {},
): Promise<Finding> {
  const { key, target, unused = [] } = request;
  if (target === undefined) return unmeasured(name, 'no target was named');
  const type = opened.batches.schema.find((column) => column.name === target)?.type;
  if (type === 'number' || type === 'instant') return unmeasured(name, `${target} is a ${type}, and no class`);
  const drawn = await drawnRows(opened, limits.rows ?? mostRows);
  const classes = classesOf(drawn.frame, target);
  if (classes.names.length < 2 || classes.rows.length < fewestRows)
    return unmeasured(name, `it takes ${fewestRows} rows of at least two classes with ${fewestOfClass} rows each`);
  if (classes.names.length > mostClasses) return unmeasured(name, `${target} has more than ${mostClasses} classes`);
  const { names } = learnableColumns(drawn.frame, [target, positionColumn, ...unused, ...(key === undefined ? [] : [key])]);
  if (names.length === 0) return unmeasured(name, 'no column is left to learn from');
  const most = Math.floor(mostWork / names.length / Math.max(2, classes.names.length));
  const chosen = evenly(classes.rows, Math.max(fewestRows, most));
  const rows = takeRows(drawn.frame, chosen);
  const labels = Float64Array.from(chosen, (row) => classes.of[row]);
  const probabilities = await outOfFold(rows, labels, names, classes.names.length);
  if (skillOf(labels, probabilities, classes.names.length) < leastSkill)
    return unmeasured(name, `a model of the other columns tells the classes of ${target} no better than their shares do`);
  const { suspected, likely } = suspectLabels(labels, probabilities, classes.names.length);
  const found = Array.from(suspected.keys()).filter((row) => suspected[row] === 1);
  const of = (row: number, each: number): number => probabilities[row * classes.names.length + each];
  found.sort((left, right) => of(left, labels[left]) - of(right, labels[right]) || left - right);
  const shown = (each: number): string => String(maskedValue(target, classes.names[each], masked).value);
  const examples = found.slice(0, examplesKept).map((row): FailingExample => ({
    row: rowNumber(drawn.positionOf(chosen[row])),
    column: target,
    ...maskedValue(target, classes.names[labels[row]], masked),
    note: `looks like ${shown(likely[row])} (${of(row, likely[row]).toFixed(2)}; its own label ${of(row, labels[row]).toFixed(2)})`,
  }));
  const whole = opened.batches.rows;
  return {
    name,
    column: target,
    score: 1 - found.length / labels.length,
    weight: 0.5,
    limits: never,
    message: wordsOf(found, labels, likely, shown, target),
    failing: found.length,
    applied: labels.length,
    ...(drawn.frame.rows < whole || chosen.length < classes.rows.length ? { sampled: labels.length } : {}),
    examples,
  };
}

function wordsOf(
  found: readonly number[],
  labels: Float64Array,
  likely: Int32Array,
  shown: (each: number) => string,
  target: string,
): string {
  if (found.length === 0) return `a model that has not seen them contradicts no label of ${target} with confidence`;
  const pairs = new Map<string, number>();
  for (const row of found) {
    const pair = `${shown(labels[row])} looks like ${shown(likely[row])}`;
    pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
  }
  const most = [...pairs].sort(([, left], [, right]) => right - left).slice(0, 3);
  const share = ((found.length / labels.length) * 100).toFixed(1);
  return `${rowsWord(found.length)} (${share} %) have a label of ${target} that a model which has not seen them contradicts: ${most.map(([pair, rows]) => `${pair} ${rows}`).join(', ')}`;
}

/** By how much of itself the log loss is less than that of the classes' shares: McFadden's R², out of fold. */
function skillOf(labels: Float64Array, probabilities: Float64Array, classes: number): number {
  const counts = new Float64Array(classes);
  let loss = 0;
  labels.forEach((label, row) => {
    counts[label]++;
    loss -= Math.log(Math.max(1e-12, probabilities[row * classes + label]));
  });
  const usual = counts.reduce((sum, count) => (count === 0 ? sum : sum - count * Math.log(count / labels.length)), 0);
  return 1 - loss / usual;
}

interface Drawn {
  readonly frame: Frame;
  readonly positionOf: (row: number) => number;
}

/** Rows with their positions: all of a small table, of a large one a share that is chosen by a hash of the position, the same each time. */
async function drawnRows({ batches, sample }: OpenedRows, most: number): Promise<Drawn> {
  if (!batches.ask) {
    const frame = await sample();
    if (frame.rows <= most) return { frame, positionOf: (row) => row };
    const chosen = evenly(
      Array.from({ length: frame.rows }, (_, row) => row),
      most,
    );
    return { frame: takeRows(frame, chosen), positionOf: (row) => chosen[row] };
  }
  const position = sqlName(positionColumn);
  const stride = Math.ceil(batches.rows / most);
  const columns = [positionColumn, ...batches.schema.map((column) => column.name)].map(sqlName).join(', ');
  const frame = await batches.ask((tables) =>
    tables.frame(`SELECT ${columns} FROM ${wholeTable} WHERE hash(${position}) % ${stride} = 0 ORDER BY ${position} LIMIT ${most}`),
  );
  const positions = frame.numbers(positionColumn);
  return { frame, positionOf: (row) => positions[row] };
}

/** At most so many of the rows, drawn without replacement, in their order. */
function evenly(rows: readonly number[], most: number): Int32Array {
  const all = Int32Array.from(rows);
  if (all.length <= most) return all;
  seeded(seed).shuffle(all);
  return all.slice(0, most).sort();
}

interface Classes {
  readonly names: readonly string[];
  /** Rows with a label of a class that has enough rows. */
  readonly rows: readonly number[];
  /** Row → class. */
  readonly of: Int32Array;
}

function classesOf(frame: Frame, target: string): Classes {
  const column = frame.column(target);
  const values = column.kind === 'text' ? column.codes : column.values;
  const labelled = rowsWith(frame, target);
  const counts = new Map<number, number>();
  for (const row of labelled) counts.set(values[row], (counts.get(values[row]) ?? 0) + 1);
  const enough = [...counts].filter(([, count]) => count >= fewestOfClass).map(([value]) => value);
  const named = enough
    .map((value) => ({ value, name: groupName(frame, target, value) }))
    .sort((left, right) => (left.name < right.name ? -1 : 1));
  const index = new Map(named.map(({ value }, at) => [value, at]));
  const of = new Int32Array(frame.rows).fill(-1);
  for (const row of labelled) of[row] = index.get(values[row]) ?? -1;
  return { names: named.map((each) => each.name), rows: labelled.filter((row) => of[row] >= 0), of };
}

/** The probability of each class of each row, from a model of the other folds: [rows][classes], flat. */
async function outOfFold(rows: Frame, labels: Float64Array, names: readonly string[], classes: number): Promise<Float64Array> {
  const features = quickFeatures(rows, names);
  const foldOf = foldsOf(rows, labels, names, classes);
  const probabilities = new Float64Array(rows.rows * classes);
  for (let fold = 0; fold < folds; fold++) {
    const inside: number[] = [];
    const outside: number[] = [];
    for (let row = 0; row < rows.rows; row++) (foldOf[row] === fold ? inside : outside).push(row);
    if (inside.length === 0) continue;
    // a fit takes a while: whoever waits for something else has a turn in between
    await nextTurn();
    const shares = await probabilitiesOf(dataOf(features, labels, names, classes, outside), part(features, inside));
    inside.forEach((row, at) => probabilities.set(shares.subarray(at * classes, (at + 1) * classes), row * classes));
  }
  return probabilities;
}

/**
 * Rows that are alike go to one fold: a model that has seen the copy would only repeat its label. Where a class is nearly one row many times
 * over, so that some fold would leave none of it to learn from, its rows are dealt one by one.
 */
function foldsOf(rows: Frame, labels: Float64Array, names: readonly string[], classes: number): Uint8Array {
  const byRow = Uint8Array.from(hashRows(rows, names).high, (high) => high % folds);
  const counts = new Float64Array(folds * classes);
  const totals = new Float64Array(classes);
  labels.forEach((label, row) => {
    counts[byRow[row] * classes + label]++;
    totals[label]++;
  });
  if (counts.every((count, at) => totals[at % classes] - count >= fewestOfClass / 2)) return byRow;
  const order = Int32Array.from(labels.keys());
  seeded(seed).shuffle(order);
  const dealt = new Uint32Array(classes);
  for (const row of order) byRow[row] = dealt[labels[row]]++ % folds;
  return byRow;
}

async function probabilitiesOf(data: TrainingData, matrix: Matrix): Promise<Float64Array> {
  const model = await fitLearner('gbdt', data, params, { random: seeded(seed) });
  return predictProbabilities(model, matrix);
}

function dataOf(features: Matrix, labels: Float64Array, names: readonly string[], classes: number, rows: readonly number[]): TrainingData {
  return {
    task: classes === 2 ? 'binary' : 'multiclass',
    classes,
    featureNames: names,
    features: part(features, rows),
    targets: Float64Array.from(rows, (row) => labels[row]),
  };
}

function part({ columns, values }: Matrix, rows: readonly number[]): Matrix {
  const taken = new Float32Array(rows.length * columns);
  rows.forEach((row, at) => taken.set(values.subarray(row * columns, (row + 1) * columns), at * columns));
  return { rows: rows.length, columns, values: taken };
}
