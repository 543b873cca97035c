import type { FailingExample } from '#contract';
import { cellOf, positionColumn, sqlName } from '#tables';
import type { Frame } from '#tables';
import { maskedValue, rowNumber } from '../masking.ts';
import type { MaskedColumns } from '../masking.ts';
import type { QualityRequest } from '../port.ts';
import { wholeTable } from '../quality/batches.ts';
import type { OpenedRows } from '../quality/batches.ts';
import { unmeasured, warning } from '../quality/limits.ts';
import type { Finding } from '../quality/limits.ts';
import { examplesKept, rowsWord } from '../quality/row-check.ts';
import { nearRows } from './near-rows.ts';
import type { NearPlan } from './near-rows.ts';
import { expectedByChance, planOf, usualNearness } from './plan.ts';

const name = 'near duplicate rows';
/** More rows are not held side by side: a share of them is looked at, by what near rows have in common. */
const mostRows = 200_000;
const mostCells = 8_000_000;
/** From so many pairs by chance on, near rows say nothing. */
const mostByChance = 1;

export type NearRequest = Pick<QualityRequest, 'key' | 'target' | 'near'>;

/** For the tests, which have no large tables. */
export interface NearLimits {
  readonly rows?: number;
}

/**
 * Rows that nearly repeat an earlier one (see `nearRows`), in every column but key and target. Where chance alone would make rows near, nothing is
 * said. Of a large table those rows are looked at whose discrete values have a hash among some, so that near rows are looked at together.
 */
export async function nearDuplicates(
  opened: OpenedRows,
  { key, target, near = usualNearness }: NearRequest,
  masked: MaskedColumns,
  limits: NearLimits = {},
): Promise<Finding> {
  const sample = await opened.sample();
  const names = sample.names.filter((each) => each !== key && each !== target);
  if (names.length < 2) return unmeasured(name, 'it takes two columns beside key and target');
  const whole = opened.batches.rows;
  const plan = planOf(sample, names, near);
  const byChance = sample.rows < 2 ? 0 : expectedByChance(sample, plan, whole);
  if (byChance > mostByChance)
    return unmeasured(name, `the columns say so little that ${Math.round(byChance)} pairs of rows would be near by chance`);
  const most = limits.rows ?? Math.min(mostRows, Math.floor(mostCells / sample.schema.length));
  const held = await heldRows(opened, plan, most);
  if (held === undefined) return unmeasured(name, `${whole} rows have nothing in common by which a share of them could be chosen`);
  const { frame, positionOf } = held;
  const { near: found, isComplete } = nearRows(frame, plan);
  const examples = [...found]
    .slice(0, examplesKept)
    .map(([row, first]) => exampleOf(frame, [row, first], { names, key, target, masked, positionOf }));
  const message =
    found.size === 0
      ? 'no row nearly repeats another'
      : `${rowsWord(found.size)} nearly ${found.size === 1 ? 'repeats' : 'repeat'} an earlier one in every column${key === undefined && target === undefined ? '' : ` but ${[key, target].filter((each) => each !== undefined).join(' and ')}`}`;
  return {
    name,
    ...(key === undefined ? {} : { column: key }),
    score: 1 - found.size / Math.max(1, frame.rows),
    weight: 0.5,
    limits: warning,
    message: isComplete ? message : `${message}; there are too many that may be near to look at each pair`,
    failing: found.size,
    applied: frame.rows,
    ...(frame.rows < whole ? { sampled: frame.rows } : {}),
    examples,
  };
}

interface Shown {
  readonly names: readonly string[];
  readonly key: string | undefined;
  readonly target: string | undefined;
  readonly masked: MaskedColumns;
  readonly positionOf: (row: number) => number;
}

/** The row, with the first column in which it differs from the earlier one. */
function exampleOf(frame: Frame, [row, first]: readonly [number, number], { names, target, masked, positionOf }: Shown): FailingExample {
  const cell = (name_: string, at: number): ReturnType<typeof cellOf> => cellOf(frame.column(name_), frame.typeOf(name_), at);
  const different = names.filter((each) => cell(each, row) !== cell(each, first));
  const [column] = different;
  const there = maskedValue(column, cell(column, first), masked).value;
  const others = different.length > 1 ? `; ${different.slice(1, 4).join(', ')} differ too` : '';
  const contrary = target !== undefined && cell(target, row) !== cell(target, first) ? `; they differ in ${target}` : '';
  return {
    row: rowNumber(positionOf(row)),
    column,
    ...maskedValue(column, cell(column, row), masked),
    note: `row ${rowNumber(positionOf(first))} has ${JSON.stringify(there)}${others}${contrary}`,
  };
}

interface Held {
  readonly frame: Frame;
  readonly positionOf: (row: number) => number;
}

async function heldRows({ batches, sample }: OpenedRows, plan: NearPlan, most: number): Promise<Held | undefined> {
  if (!batches.ask) return { frame: await sample(), positionOf: (row) => row };
  const { discrete, texts, measured } = plan;
  const position = sqlName(positionColumn);
  const columns = [positionColumn, ...batches.schema.map((column) => column.name)].map(sqlName).join(', ');
  // rows that are near have their discrete values in common; else they lie in one slice along a measured column, but at its borders
  const common =
    discrete.length > 0
      ? discrete.map(sqlName).join(', ')
      : measured.length > 0
        ? sliceOf(measured[0].name, batches.schema.find((column) => column.name === measured[0].name)?.type, measured[0].within)
        : undefined;
  const stride = Math.ceil(batches.rows / most);
  if (common === undefined && (texts.length === 0 || stride > 1)) return undefined;
  // what rows have in common comes first in the order, so that no group of more than `most` is cut but the last
  const together = stride === 1 || common === undefined ? 'TRUE' : `hash(${common})`;
  const chosen = together === 'TRUE' ? together : `${together} % ${stride} = 0`;
  const first = `SELECT ${columns} FROM ${wholeTable} WHERE ${chosen} ORDER BY ${together}, ${position} LIMIT ${most}`;
  const frame = await batches.ask((tables) => tables.frame(`SELECT * FROM (${first}) ORDER BY ${position}`));
  const positions = frame.numbers(positionColumn);
  return { frame, positionOf: (row) => positions[row] };
}

/** Slices are a hundred times as wide as what counts as near. */
function sliceOf(column: string, type: string | undefined, within: number): string {
  const value = type === 'instant' ? `epoch_ms(${sqlName(column)})` : sqlName(column);
  return `floor(${value} / ${100 * within})`;
}
