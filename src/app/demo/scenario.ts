import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import { parse } from 'yaml';
import { GyreError, messageOf, seeded, seedOf } from '#core';
import type { NamedRow } from '#contract';
import { parseRowCondition, type RowCondition } from '#project';

const Conditions = Type.Array(Type.String(), { minItems: 1 });
const Scenario = Type.Object(
  {
    synthetic: Type.Literal(true),
    seed: Type.Integer({ minimum: 0 }),
    start: Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' }),
    rowsPerDay: Type.Integer({ minimum: 1 }),
    steadyDays: Type.Integer({ minimum: 1 }),
    driftDays: Type.Integer({ minimum: 1 }),
    story: Type.String(),
    arrivals: Type.Array(Type.Object({ when: Conditions, weight: Type.Number({ exclusiveMinimum: 0 }) }, { additionalProperties: false })),
    labels: Type.Array(Type.Object({ when: Conditions, churn: Type.Number({ minimum: 0, maximum: 1 }) }, { additionalProperties: false })),
  },
  { additionalProperties: false },
);
/** How the world around the example's customers changes: see the comments in `drift.yaml`. */
export type Scenario = Static<typeof Scenario>;

/** A real row, and what its customer did in the demo's world. */
export interface Visit {
  readonly key: string;
  readonly row: NamedRow;
  readonly label: string;
}

export interface Day {
  /** From 1. */
  readonly number: number;
  readonly drifted: boolean;
  /** Instants, UTC milliseconds. */
  readonly start: number;
  readonly end: number;
  readonly visits: readonly Visit[];
}

export interface TrafficSource {
  readonly key: string;
  readonly target: string;
  /** The target's classes: what a customer does who leaves, and who stays. */
  readonly leaves: string;
  readonly stays: string;
  readonly reference: readonly NamedRow[];
  readonly later: readonly NamedRow[];
}

const dayMs = 86_400_000;

/** @throws GyreError INVALID_ARGUMENT naming the file and the field */
export async function loadScenario(folder: string): Promise<Scenario> {
  const file = join(folder, 'drift.yaml');
  let read: unknown;
  try {
    read = parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new GyreError('INVALID_ARGUMENT', `${basename(file)}: ${messageOf(error)}`, { file }, { cause: error });
  }
  if (Value.Check(Scenario, read)) return read;
  const [first] = Value.Errors(Scenario, read);
  throw new GyreError('INVALID_ARGUMENT', `${basename(file)}${first.instancePath}: ${first.message}`, { file });
}

/**
 * The demo's days: first rows of `reference` as they come, then rows of `later`, drawn by the arrivals' weights without
 * replacement (Efraimidis and Spirakis 2006). Every row is real and comes once; the labels of drifted days follow the scenario's rule.
 * @param control leave the labels as the table has them: the population shifts, and nothing else
 * @throws GyreError FAILED_PRECONDITION when a part has too few rows
 */
export function planDays(scenario: Scenario, source: TrafficSource, control: boolean): readonly Day[] {
  const { rowsPerDay, steadyDays, driftDays } = scenario;
  const arrivals = scenario.arrivals.map(({ when, weight }) => ({ conditions: when.map(parseRowCondition), weight }));
  const rules = scenario.labels.map(({ when, churn }) => ({ conditions: when.map(parseRowCondition), churn }));
  const steady = drawn(source.reference, steadyDays * rowsPerDay, () => 1, seedOf(scenario.seed, 'steady'), 'reference');
  const changed = drawn(
    source.later,
    driftDays * rowsPerDay,
    (row) => arrivals.find(({ conditions }) => conditions.every((condition) => holds(condition, row)))?.weight ?? 1,
    seedOf(scenario.seed, 'arrivals'),
    'later',
  );
  const chance = seeded(seedOf(scenario.seed, 'labels'));
  const asItWas = (row: NamedRow): Visit => ({ key: String(row[source.key]), row, label: String(row[source.target]) });
  const asItBecame = (row: NamedRow): Visit => {
    const draw = chance.next();
    const rule = rules.find(({ conditions }) => conditions.every((condition) => holds(condition, row)));
    if (control || rule === undefined) return asItWas(row);
    return { ...asItWas(row), label: draw < rule.churn ? source.leaves : source.stays };
  };
  const visits = [...steady.map(asItWas), ...changed.map(asItBecame)];
  const first = Date.parse(`${scenario.start}T00:00:00Z`);
  return Array.from({ length: steadyDays + driftDays }, (_, index) => ({
    number: index + 1,
    drifted: index >= steadyDays,
    start: first + index * dayMs,
    end: first + (index + 1) * dayMs,
    visits: visits.slice(index * rowsPerDay, (index + 1) * rowsPerDay),
  }));
}

function drawn(
  rows: readonly NamedRow[],
  count: number,
  weightOf: (row: NamedRow) => number,
  seed: number,
  part: string,
): readonly NamedRow[] {
  if (rows.length < count) {
    throw new GyreError(
      'FAILED_PRECONDITION',
      `part "${part}" has ${rows.length} rows, and the scenario sends ${count}: lower rowsPerDay or the days`,
    );
  }
  const random = seeded(seed);
  return rows
    .map((row) => ({ row, rank: -Math.log(1 - random.next()) / weightOf(row) }))
    .sort((left, right) => left.rank - right.rank)
    .slice(0, count)
    .map(({ row }) => row);
}

function holds(condition: RowCondition, row: NamedRow): boolean {
  const left = row[condition.left.column];
  const right = 'column' in condition.right ? row[condition.right.column] : condition.right.value;
  if (left === null || left === undefined || right === null || right === undefined) return false;
  switch (condition.operator) {
    case '=':
      return String(left) === String(right);
    case '!=':
      return String(left) !== String(right);
    case '>=':
      return Number(left) >= Number(right);
    case '<=':
      return Number(left) <= Number(right);
    case '>':
      return Number(left) > Number(right);
    case '<':
      return Number(left) < Number(right);
  }
}
