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
    arrivals: Type.Array(
      Type.Object({ when: Conditions, share: Type.Number({ minimum: 0, maximum: 1 }) }, { additionalProperties: false }),
    ),
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
 * The demo's days: first rows of `reference` as they come, then rows of `later`, in the shares that the arrivals ask for. Every row is
 * real and comes once; the labels of drifted days follow the scenario's rule.
 * @param control leave the labels as the table has them: the population shifts, and nothing else
 * @throws GyreError FAILED_PRECONDITION when a part has too few rows
 */
export function planDays(scenario: Scenario, source: TrafficSource, control: boolean): readonly Day[] {
  const { rowsPerDay, steadyDays, driftDays } = scenario;
  const rules = scenario.labels.map(({ when, churn }) => ({ conditions: when.map(parseRowCondition), churn }));
  const chance = seeded(seedOf(scenario.seed, 'labels'));
  const asItWas = (row: NamedRow): Visit => ({ key: String(row[source.key]), row, label: String(row[source.target]) });
  const asItBecame = (row: NamedRow): Visit => {
    const draw = chance.next();
    const rule = rules.find(({ conditions }) => conditions.every((condition) => holds(condition, row)));
    if (control || rule === undefined) return asItWas(row);
    return { ...asItWas(row), label: draw < rule.churn ? source.leaves : source.stays };
  };
  const steady = shuffled(source.reference, seedOf(scenario.seed, 'steady'));
  requireRows(steady, steadyDays * rowsPerDay, 'of the part "reference"');
  const changed = arrivingDays(scenario, source.later);
  const first = Date.parse(`${scenario.start}T00:00:00Z`);
  return Array.from({ length: steadyDays + driftDays }, (_, index) => {
    const drifted = index >= steadyDays;
    return {
      number: index + 1,
      drifted,
      start: first + index * dayMs,
      end: first + (index + 1) * dayMs,
      visits: drifted
        ? changed[index - steadyDays].map(asItBecame)
        : steady.slice(index * rowsPerDay, (index + 1) * rowsPerDay).map(asItWas),
    };
  });
}

/** Who comes on each drifted day: each kind of customer in its share, the others filling the day. */
function arrivingDays(scenario: Scenario, later: readonly NamedRow[]): readonly (readonly NamedRow[])[] {
  const { rowsPerDay, driftDays, seed } = scenario;
  const kinds = scenario.arrivals.map(({ when, share }) => ({
    conditions: when.map(parseRowCondition),
    perDay: Math.round(share * rowsPerDay),
    when,
  }));
  const others = rowsPerDay - kinds.reduce((sum, { perDay }) => sum + perDay, 0);
  if (others < 0) throw new GyreError('INVALID_ARGUMENT', 'drift.yaml/arrivals: the shares are more than 1 together');
  const rows = shuffled(later, seedOf(seed, 'arrivals'));
  const kindOf = (row: NamedRow): number => kinds.findIndex(({ conditions }) => conditions.every((condition) => holds(condition, row)));
  const queues = [...kinds, { perDay: others, when: ['any other customer'] }].map(({ perDay, when }, at) => {
    const queue = rows.filter((row) => kindOf(row) === (at < kinds.length ? at : -1));
    requireRows(queue, perDay * driftDays, `of the part "later" with ${when.join(' and ')}`);
    return { queue, perDay };
  });
  return Array.from({ length: driftDays }, (_, day) =>
    shuffled(
      queues.flatMap(({ queue, perDay }) => queue.slice(day * perDay, (day + 1) * perDay)),
      seedOf(seed, 'day', day),
    ),
  );
}

function shuffled(rows: readonly NamedRow[], seed: number): readonly NamedRow[] {
  const copy = [...rows];
  seeded(seed).shuffle(copy);
  return copy;
}

function requireRows(rows: readonly NamedRow[], count: number, which: string): void {
  if (rows.length >= count) return;
  throw new GyreError(
    'FAILED_PRECONDITION',
    `the scenario sends ${count} rows ${which}, and there are ${rows.length}: lower rowsPerDay, the days or the share`,
  );
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
