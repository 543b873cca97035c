import { hasCode } from '#core';
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
    writeAll: async (requests) => {
      try {
        return await store.write((tx) => logGroup(tx, { names, requests, alone: true }), undefined);
      } catch (error) {
        if (!hasCode(error, 'ALREADY_EXISTS')) throw error;
        // Another process logs to the same metrics.
        return store.write((tx) => logGroup(tx, { names, requests }), undefined);
      }
    },
    mostWeight: mostPoints,
    weightOf: ({ points }) => points.length,
  });
}
