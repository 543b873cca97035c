import type { Check, Fairness, MetricValue, TestReport, ValidationResult } from '#contract';
import { GyreError } from '#core';
import { meets, parseGate, thresholdText } from '#project';
import type { ParsedGate } from '#project';
import { isFairnessMetricName } from '#stats';
import type { FairnessMetricName } from '#stats';
import { requireMetric } from './scored.ts';
import { count, figure, percent } from './words.ts';

/** What gates are held against. */
export interface GateFacts {
  readonly task: TestReport['task'];
  readonly metrics: readonly MetricValue[];
  readonly sets: readonly ValidationResult[];
  readonly slices: TestReport['slices'];
  readonly fairness: readonly Fairness[];
  /** A slice of fewer rows is reported, not judged. */
  readonly minSliceRows: number;
}

type FairnessFigure = 'demographicParityDifference' | 'equalOpportunityDifference' | 'equalizedOddsDifference';

/** Where a report keeps what gates on gaps between groups speak of. */
const fairnessFigure: Readonly<Record<FairnessMetricName, FairnessFigure>> = {
  demographic_parity_difference: 'demographicParityDifference',
  equal_opportunity_difference: 'equalOpportunityDifference',
  equalized_odds_difference: 'equalizedOddsDifference',
};

/**
 * Holds a model to its gates: the charter's thresholds first, then the project's.
 * @param success metric → condition, such as `>= 0.83`
 * @param gates such as `accuracy by Contract >= 0.70`
 * @throws GyreError INVALID_ARGUMENT when a gate cannot be read or names a metric that the task has not
 */
export function judgeGates(success: Readonly<Record<string, string>>, gates: readonly string[], facts: GateFacts): Check[] {
  const charter = Object.entries(success).map(([metric, condition]) => ({
    gate: parseGate(`${metric} ${condition}`),
    from: 'the charter',
  }));
  const project = gates.map((text) => ({ gate: parseGate(text), from: 'the project' }));
  return [...charter, ...project].map(({ gate, from }) => judge(gate, from, facts));
}

function judge(gate: ParsedGate, from: string, facts: GateFacts): Check {
  if (isFairnessMetricName(gate.metric)) return judgeFairness(gate, gate.metric, from, facts);
  requireMetric(gate.metric, facts.task);
  return gate.by === undefined ? judgeWhole(gate, from, facts) : judgeSlices(gate, gate.by, from, facts);
}

/** On the test part, or on the validation set that the gate names. */
function judgeWhole(gate: ParsedGate, from: string, { metrics, sets }: GateFacts): Check {
  const set = gate.on === undefined ? undefined : sets.find((each) => each.set === gate.on);
  if (gate.on !== undefined && set === undefined) {
    const known = sets.length === 0 ? 'the split has none' : `it has ${sets.map((each) => each.set).join(', ')}`;
    const message = `the gate "${gate.text}" cannot be judged: there is no validation set "${gate.on}"; ${known}`;
    throw new GyreError('INVALID_ARGUMENT', message, { gate: gate.text });
  }
  const metric = (set?.metrics ?? metrics).find(({ name }) => name === gate.metric);
  const value = metric?.value ?? null;
  const wanted = thresholdText(gate);
  const interval = metric?.interval;
  const range = interval === undefined ? '' : ` (${percent(interval.level)} interval ${figure(interval.low)} to ${figure(interval.high)})`;
  const rows = set === undefined ? 'the test rows' : `the ${count(set.rows)} rows of ${set.set}`;
  const message =
    value === null
      ? `${gate.metric} could not be measured on ${rows}; ${from} asks for ${wanted}`
      : `${gate.metric} is ${figure(value)}${range}${set === undefined ? '' : ` on ${rows}`}; ${from} asks for ${wanted}`;
  return { name: nameOf(gate), passed: value !== null && meets(value, gate), observed: value, wanted, message };
}

/** Every slice with enough rows has to meet the condition; the observed value is that of the worst. */
function judgeSlices(gate: ParsedGate, column: string, from: string, { slices, minSliceRows }: GateFacts): Check {
  const wanted = `${thresholdText(gate)} in each value of ${column}`;
  const name = nameOf(gate);
  const measurable = slices
    .filter((slice) => slice.column === column)
    .map((slice) => ({ ...slice, observed: slice.metrics[gate.metric] ?? null }));
  const judged = measurable.flatMap(({ value, rows, observed }) =>
    rows >= minSliceRows && observed !== null ? [{ value, rows, observed }] : [],
  );
  const skipped = measurable.filter(({ rows, observed }) => rows < minSliceRows || observed === null);
  const aside =
    skipped.length === 0
      ? ''
      : `; not judged: ${skipped.map(({ value, rows, observed }) => `"${value}" (${rows < minSliceRows ? `only ${count(rows)} rows` : `${figure(observed)} on ${count(rows)} rows`})`).join(', ')}`;
  if (judged.length === 0) {
    return {
      name,
      passed: false,
      observed: null,
      wanted,
      message: `no value of ${column} has ${minSliceRows} rows on which ${gate.metric} can be measured${aside}`,
    };
  }
  const lowIsBad = gate.operator.startsWith('>');
  const [worst] = judged.toSorted((left, right) => (lowIsBad ? left.observed - right.observed : right.observed - left.observed));
  const failing = judged.filter(({ observed }) => !meets(observed, gate));
  const message =
    failing.length === 0
      ? `${gate.metric} meets ${thresholdText(gate)} in ${judged.length} of ${judged.length} judged values of ${column}; the worst is "${worst.value}" with ${figure(worst.observed)}${aside}`
      : `${gate.metric} misses ${thresholdText(gate)}, which ${from} asks for, in ${failing.map(({ value, rows, observed }) => `${column} "${value}" (${figure(observed)} on ${count(rows)} rows)`).join(', ')}${aside}`;
  return { name, passed: failing.length === 0, observed: worst.observed, wanted, message };
}

function judgeFairness(gate: ParsedGate, metric: FairnessMetricName, from: string, { task, fairness, minSliceRows }: GateFacts): Check {
  if (gate.by === undefined || task !== 'binary') {
    const right =
      gate.by === undefined
        ? `it needs a column, such as "${gate.metric} by gender ${thresholdText(gate)}"`
        : `it is for a binary decision, not for ${task}`;
    throw new GyreError('INVALID_ARGUMENT', `the gate "${gate.text}" cannot be judged: ${right}`, { gate: gate.text });
  }
  const found = fairness.find(({ column }) => column === gate.by);
  const observed = found?.[fairnessFigure[metric]] ?? null;
  const wanted = thresholdText(gate);
  const small = (found?.groups ?? [])
    .filter(({ rows }) => rows < minSliceRows)
    .map(({ group, rows }) => `"${group}" (only ${count(rows)} rows)`);
  const aside = small.length === 0 ? '' : `; not judged: ${small.join(', ')}`;
  const message =
    observed === null
      ? `${gate.metric} by ${gate.by} cannot be measured: fewer than two groups have ${minSliceRows} rows and both outcomes${aside}`
      : `${gate.metric} by ${gate.by} is ${figure(observed)}; ${from} asks for ${wanted}${aside}`;
  return { name: nameOf(gate), passed: observed !== null && meets(observed, gate), observed, wanted, message };
}

function nameOf(gate: ParsedGate): string {
  const where = gate.by !== undefined ? ` by ${gate.by}` : gate.on !== undefined ? ` on ${gate.on}` : '';
  return `${gate.metric}${where} ${thresholdText(gate)}`;
}
