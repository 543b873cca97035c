import type { RefusalFigures } from '#contract';
import type { Counter, Metrics } from '#telemetry';

export type RefusalReason = keyof RefusalFigures;

/** Counts requests that were refused under load or not answered in time, for Prometheus and for those who ask the plane itself. */
export interface Refusals extends Counter {
  inc(labels: { readonly reason: RefusalReason }): void;
  /** Since the plane was opened. */
  readonly figures: RefusalFigures;
}

export function countRefusals(metrics: Metrics): Refusals {
  const counter = metrics.counter({
    name: 'gyre_requests_dropped_total',
    help: 'requests that were refused under load or not answered in time, by what refused them: rate, concurrency, queue, deadline, log',
    labels: ['reason'],
  });
  const counts = { rate: 0, queue: 0, concurrency: 0, log: 0, deadline: 0 };
  return {
    inc: ({ reason }) => {
      counts[reason] += 1;
      counter.inc({ reason });
    },
    get figures() {
      return { ...counts };
    },
  };
}
