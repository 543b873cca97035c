import type { LoadFigures } from '#contract';
import type { Random } from '#core';

export interface LoadPlan {
  /** Requests per second, sent on schedule whether or not earlier ones were answered. */
  readonly ratePerSecond: number;
  readonly durationMs: number;
  /** Between requests: the same time (default), or as independent clients come, exponentially distributed. */
  readonly arrivals?: 'constant' | 'poisson';
  /** Of Poisson arrivals. */
  readonly random?: Pick<Random, 'next'>;
  /**
   * Sends the request with this number; resolves to what was wrong with its answer, or to undefined when it was good.
   * @param leaves called when it leaves, where that may be later than it was sent
   */
  readonly send: (index: number, leaves: () => void) => Promise<string | undefined>;
  /** A monotonic clock in milliseconds, with fractions. */
  readonly monotonicMs: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

/** What a load found, with what says whether to believe it. */
export interface LoadMeasured extends LoadFigures {
  /** What was wrong with answers, and how often. */
  readonly failures: Readonly<Record<string, number>>;
  /** How late 99 of 100 requests left at most: the generator's own delay, and the wait for a free connection of its own. The latencies contain it. */
  readonly lateP99Ms: number;
  /**
   * By how much latency grew in a second of load, in seconds: about 0 while the server keeps up; what is offered beyond its capacity waits longer and
   * longer.
   */
  readonly backlog: number;
}

/** So long at most goes on sending without looking at answers: a generator that is behind reads them too late. */
const turnMs = 1;

/**
 * An open-loop load: requests leave at their appointed instants, and a request's latency counts from its appointed
 * instant, not from when a busy client came to send it. So queueing is not hidden (Tene's "coordinated omission").
 */
export async function generateLoad(plan: LoadPlan): Promise<LoadMeasured> {
  const { monotonicMs, sleep } = plan;
  const appointments = appointmentsOf(plan);
  const count = appointments.length;
  const latenciesMs = new Float64Array(count);
  const lateMs = new Float64Array(count);
  const failures = new Map<string, number>();
  const started = monotonicMs();
  let lookedMs = started;
  let errors = 0;
  const answers: Promise<void>[] = [];
  for (let index = 0; index < count; index++) {
    const appointed = started + appointments[index];
    const waitMs = appointed - monotonicMs();
    if (waitMs > 0 || monotonicMs() - lookedMs > turnMs) {
      await sleep(Math.max(0, waitMs));
      lookedMs = monotonicMs();
    }
    const leaves = (): void => {
      lateMs[index] = Math.max(0, monotonicMs() - appointed);
    };
    leaves();
    const settle = (failure: string | undefined): void => {
      latenciesMs[index] = monotonicMs() - appointed;
      if (failure === undefined) return;
      errors++;
      failures.set(failure, (failures.get(failure) ?? 0) + 1);
    };
    answers.push(plan.send(index, leaves).then(settle, (error: unknown) => settle(error instanceof Error ? error.message : String(error))));
  }
  await Promise.all(answers);
  const durationMs = monotonicMs() - started;
  const backlog = growth(latenciesMs, plan.durationMs);
  latenciesMs.sort();
  lateMs.sort();
  return {
    requests: count,
    errors,
    durationMs,
    ratePerSecond: (count * 1000) / durationMs,
    p50Ms: percentile(latenciesMs, 0.5),
    p95Ms: percentile(latenciesMs, 0.95),
    p99Ms: percentile(latenciesMs, 0.99),
    maxMs: latenciesMs[count - 1],
    failures: Object.fromEntries(failures),
    lateP99Ms: percentile(lateMs, 0.99),
    backlog,
  };
}

/** When each request is due, in milliseconds from the start. */
function appointmentsOf({ ratePerSecond, durationMs, arrivals = 'constant', random }: LoadPlan): Float64Array {
  const count = Math.max(1, Math.round((ratePerSecond * durationMs) / 1000));
  const intervalMs = 1000 / ratePerSecond;
  if (arrivals === 'constant' || random === undefined) return Float64Array.from({ length: count }, (_, index) => index * intervalMs);
  let dueMs = 0;
  return Float64Array.from({ length: count }, () => {
    const due = dueMs;
    dueMs += -Math.log(1 - random.next()) * intervalMs;
    return due;
  });
}

/** From the median of the first quarter of the latencies to that of the last, over the time between them. */
function growth(latenciesMs: Float64Array, durationMs: number): number {
  const quarter = Math.floor(latenciesMs.length / 4);
  if (quarter < 2) return 0;
  const first = percentile(latenciesMs.slice(0, quarter).sort(), 0.5);
  const last = percentile(latenciesMs.slice(-quarter).sort(), 0.5);
  return (last - first) / (0.75 * durationMs);
}

/** Nearest rank: the smallest value that at least this share of the values does not exceed. */
function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))];
}
