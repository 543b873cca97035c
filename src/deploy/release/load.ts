import type { LoadFigures } from '#contract';

export interface LoadPlan {
  /** Requests per second, sent on schedule whether or not earlier ones were answered. */
  readonly ratePerSecond: number;
  readonly durationMs: number;
  /** Sends the request with this number; resolves to whether it was answered well. */
  readonly send: (index: number) => Promise<boolean>;
  /** A monotonic clock in milliseconds, with fractions. */
  readonly monotonicMs: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

/**
 * An open-loop load: requests leave at their appointed instants, and a request's latency counts from its appointed
 * instant, not from when a busy client came to send it. So queueing is not hidden (Tene's "coordinated omission").
 */
export async function generateLoad(plan: LoadPlan): Promise<LoadFigures> {
  const count = Math.max(1, Math.round((plan.ratePerSecond * plan.durationMs) / 1000));
  const intervalMs = 1000 / plan.ratePerSecond;
  const latenciesMs = new Float64Array(count);
  const started = plan.monotonicMs();
  let errors = 0;
  const answers: Promise<void>[] = [];
  for (let index = 0; index < count; index++) {
    const appointed = started + index * intervalMs;
    const waitMs = appointed - plan.monotonicMs();
    if (waitMs > 0) await plan.sleep(waitMs);
    answers.push(
      plan.send(index).then(
        (good) => {
          latenciesMs[index] = plan.monotonicMs() - appointed;
          if (!good) errors++;
        },
        () => {
          latenciesMs[index] = plan.monotonicMs() - appointed;
          errors++;
        },
      ),
    );
  }
  await Promise.all(answers);
  const durationMs = plan.monotonicMs() - started;
  latenciesMs.sort();
  return {
    requests: count,
    errors,
    durationMs,
    ratePerSecond: (count * 1000) / durationMs,
    p50Ms: percentile(latenciesMs, 0.5),
    p95Ms: percentile(latenciesMs, 0.95),
    p99Ms: percentile(latenciesMs, 0.99),
    maxMs: latenciesMs[count - 1],
  };
}

/** Nearest rank: the smallest value that at least this share of the values does not exceed. */
function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))];
}
