import type { Metrics } from '#telemetry';
import type { Spool } from './spool.ts';

/** Registers what a prediction log counts. */
export function spoolMetrics(metrics: Metrics, spool: Pick<Spool, 'figures'>): void {
  const onDisk = metrics.gauge({
    name: 'gyre_log_bytes',
    help: 'bytes of the prediction log on the disk, finished and open segments',
    across: 'max',
  });
  const segments = metrics.gauge({
    name: 'gyre_log_segments',
    help: 'finished segments of the prediction log that wait to be shipped',
    across: 'max',
  });
  const recovered = metrics.gauge({
    name: 'gyre_log_recovered_requests',
    help: 'requests in segments that processes which died had left open',
    across: 'max',
  });
  const cut = metrics.gauge({
    name: 'gyre_log_cut_bytes',
    help: 'bytes of unanswered requests that the start cut off such segments',
    across: 'max',
  });
  const totals = [
    ['gyre_log_requests_total', 'requests that were logged', (figures) => figures.frames],
    ['gyre_log_failures_total', 'requests that could not be logged', (figures) => figures.failures],
    [
      'gyre_log_dropped_requests_total',
      'logged requests that were removed unread, the log being full',
      (figures) => figures.dropped.requests,
    ],
    ['gyre_log_dropped_segments_total', 'segments that were removed unread, the log being full', (figures) => figures.dropped.segments],
  ] as const satisfies readonly (readonly [string, string, (figures: Spool['figures']) => number])[];
  const counters = totals.map(([name, help, of]) => ({ counter: metrics.counter({ name, help }), of, seen: 0 }));
  metrics.onCollect(() => {
    const { figures } = spool;
    onDisk.set(figures.diskBytes);
    segments.set(figures.segments);
    recovered.set(figures.recovered.requests);
    cut.set(figures.recovered.cutBytes);
    for (const total of counters) {
      const now = total.of(figures);
      total.counter.inc({}, now - total.seen);
      total.seen = now;
    }
  });
}
