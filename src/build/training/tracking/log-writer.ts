import type { Store } from '#store';
import { GroupedWrites } from '../grouped-writes.ts';
import type { MetricNames } from '../metric-names-store.ts';
import { logGroup } from './log-store.ts';
import type { LogRequest } from './log-store.ts';

const mostPoints = 64_000;

/** What many clients log at the same time goes in one transaction. */
export function openLogWriter(store: Store, names: MetricNames): GroupedWrites<LogRequest> {
  return new GroupedWrites({
    store,
    writeAll: (requests) => store.write((tx) => logGroup(tx, { names, requests }), undefined),
    mostWeight: mostPoints,
    weightOf: ({ points }) => points.length,
  });
}
