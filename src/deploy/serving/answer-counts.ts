import { latencyBuckets } from '#contract';
import type { AnswerTotals, Signature } from '#contract';
import type { Outcome } from './outcome.ts';

/** Of one request no more rows are counted: one caller with many rows is not the whole of the traffic. */
const mostRows = 256;
const twentieths = 20;
/** Values are told apart that differ by this factor; smaller ones than the least are as good as zero. */
const valueGrowth = 1.01;
const leastValue = 1e-12;

type Kind = NonNullable<AnswerTotals['predictions']>['kind'];

/** Counts what a model answers, and how long that takes, in the form that tells two readings apart. */
export class AnswerCounts {
  readonly #since: number;
  #requests = 0;
  #errors = 0;
  readonly #latencies = new Uint32Array(latencyBuckets.count);
  #kind: Kind | undefined;
  readonly #bins = new Map<string | number, number>();

  /** @param since UTC milliseconds */
  constructor(since: number) {
    this.#since = since;
  }

  note(tookMs: number, isError: boolean): void {
    this.#requests += 1;
    if (isError) this.#errors += 1;
    this.#latencies[latencyBucketOf(tookMs)] += 1;
  }

  /** @param outcomes row by row; undefined where the model says neither labels nor values: nothing is counted then */
  predicted(signature: Signature, outcomes: readonly Outcome[] | undefined): void {
    if (outcomes === undefined) return;
    const { classes } = signature;
    const rows = Math.min(outcomes.length, mostRows);
    for (let row = 0; row < rows; row++) {
      const { label, value, probabilities } = outcomes[row];
      if (value !== undefined) this.#count('value', valueBinOf(value));
      else if (probabilities !== undefined && classes.length === 2) this.#count('probability', twentiethOf(probabilities[classes[1]]));
      else if (label !== undefined) this.#count('label', label);
    }
  }

  #count(kind: Kind, bin: string | number): void {
    this.#kind = kind;
    this.#bins.set(bin, (this.#bins.get(bin) ?? 0) + 1);
  }

  get totals(): AnswerTotals {
    const latencies: Record<string, number> = {};
    for (const [bucket, count] of this.#latencies.entries()) if (count > 0) latencies[bucket] = count;
    return {
      since: this.#since,
      requests: this.#requests,
      errors: this.#errors,
      latencies,
      ...(this.#kind === undefined ? {} : { predictions: { kind: this.#kind, bins: Object.fromEntries(this.#bins) } }),
    };
  }
}

/** @param parts of threads that answer together, at least one. It begins with the first of them: what a later one counts came later, too */
export function sumAnswers(parts: readonly AnswerTotals[]): AnswerTotals {
  const predictions = parts.flatMap(({ predictions: one }) => one ?? []);
  return {
    since: Math.min(...parts.map(({ since }) => since)),
    requests: parts.reduce((total, { requests }) => total + requests, 0),
    errors: parts.reduce((total, { errors }) => total + errors, 0),
    latencies: sumOf(parts.map(({ latencies }) => latencies)),
    ...(predictions.length === 0 ? {} : { predictions: { kind: predictions[0].kind, bins: sumOf(predictions.map(({ bins }) => bins)) } }),
    ...(parts.every(({ different }) => different === undefined)
      ? {}
      : { different: parts.reduce((total, { different = 0 }) => total + different, 0) }),
  };
}

function sumOf(parts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const part of parts) for (const [bin, count] of Object.entries(part)) sum[bin] = (sum[bin] ?? 0) + count;
  return sum;
}

/** @returns the bucket of `latencyBuckets` */
export function latencyBucketOf(ms: number): number {
  const { leastMs, growth, count } = latencyBuckets;
  if (!(ms > leastMs)) return 0;
  return Math.min(count - 1, Math.ceil(Math.log(ms / leastMs) / Math.log(growth)));
}

function twentiethOf(probability: number): number | string {
  if (Number.isNaN(probability)) return 'NaN';
  return Math.min(twentieths - 1, Math.max(0, Math.floor(probability * twentieths)));
}

function valueBinOf(value: number): number | string {
  if (Number.isNaN(value)) return 'NaN';
  const size = Math.min(Math.abs(value), 1 / leastValue);
  if (size <= leastValue) return 0;
  return Math.sign(value) * Math.ceil(Math.log(size / leastValue) / Math.log(valueGrowth));
}
