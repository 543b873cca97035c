import type { Alert } from '#contract';
import type { Findings } from './findings.ts';

interface About {
  readonly environment: string;
  readonly endpoint: string;
  /** ISO 8601. */
  readonly since: string;
  /** How long its windows are: a day or more is told by its date. */
  readonly windowMs: number;
}

const day = 86_400_000;
const figure = (value: number): string => value.toFixed(2);
const percent = (share: number): string => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;

/** A short title: what, where. */
export function titleOf(kind: Alert['kind'], { environment, endpoint }: About, findings: Findings): string {
  const where = `"${endpoint}" in ${environment}`;
  const { performance, drift, integrity, latency } = findings;
  switch (kind) {
    case 'performance':
      return performance === undefined ? where : `${performance.metric} of ${where} ${fell(performance)} ${figure(performance.limit)}`;
    case 'drift':
      return `${counted(drift?.columns.length ?? 0, 'column')} of ${where} drifted`;
    case 'prediction_drift':
      return `what ${where} predicts has drifted`;
    case 'integrity':
      return `${integrity?.[0]?.column ?? 'a column'} of ${where} is not as in training`;
    case 'latency':
      return `${where} answers slower than ${latency?.limitMs ?? ''} ms`;
  }
}

/** A sentence for a person: which columns, how much, since when. */
export function causeOf(kind: Alert['kind'], about: About, findings: Findings): string {
  const since = `since ${about.windowMs >= day ? about.since.slice(0, 10) : `${about.since.slice(0, 16)}Z`}`;
  const { performance, drift, predictionDrift, integrity = [], latency } = findings;
  const parts: string[] = [];
  if (kind === 'performance' && performance !== undefined) {
    const { metric, value, interval } = performance;
    const range = `${Math.round(interval.level * 100)}% ${figure(interval.low)}–${figure(interval.high)}`;
    parts.push(`${metric} ${figure(value)} (${range}) ${fell(performance)} ${figure(performance.limit)} ${since}`);
    parts.push(
      drift === undefined ? 'no column drifted: what the target depends on may have changed' : `${moved(drift.columns)} moved most`,
    );
  } else if (kind === 'drift' && drift !== undefined) {
    parts.push(`${drift.columns.length} of ${counted(drift.of, 'column')} drifted ${since}: ${moved(drift.columns)}`);
    parts.push(actuals(findings));
  } else if (kind === 'prediction_drift' && predictionDrift !== undefined) {
    parts.push(`predictions drifted (PSI ${figure(predictionDrift.psi)}) ${since}, no single column did`, actuals(findings));
  }
  if (kind === 'integrity') parts.push(integrity.map(broken).join(', ') + ` ${since}`);
  if (kind === 'latency' && latency !== undefined) {
    parts.push(
      `the slowest hundredth of answers takes ${latency.p99Ms.toFixed(1)} ms or more, ${latency.limitMs} ms are allowed, ${since}`,
    );
  }
  if (kind !== 'integrity' && integrity.length > 0) parts.push(integrity.map(broken).join(', '));
  return parts.join('; ');
}

const fell = ({ atLeast }: { readonly atLeast: boolean }): string => (atLeast ? 'fell below' : 'rose above');
const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

/** The three that moved most: `InternetService (PSI 0.41), MonthlyCharges (0.33) and tenure (0.21)`. */
function moved(columns: Alert['columns']): string {
  const shown = columns.slice(0, 3).map(({ column, psi }, at) => `${column} (${at === 0 ? 'PSI ' : ''}${figure(psi)})`);
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} and ${shown[shown.length - 1]}`;
}

function actuals({ holds }: Findings): string {
  if (holds === undefined) return 'no labels yet';
  if (holds.length === 0) return 'no metric is watched';
  return holds.map(({ metric, value, threshold }) => `${metric} ${figure(value)} still meets ${threshold}`).join(', ');
}

function broken({ kind, column, share, example }: NonNullable<Findings['integrity']>[number]): string {
  const of = `in ${percent(share)} of the rows`;
  switch (kind) {
    case 'missing':
      return `${column} is missing ${of}`;
    case 'unseen_category':
      return `${column} has categories that training never saw ${of}${example === null ? '' : `, such as "${example}"`}`;
    case 'out_of_range':
      return `${column} is out of its range in training ${of}${example === null ? '' : `, such as ${example}`}`;
    case 'type':
      return `${column} is of another type ${of}`;
  }
}
