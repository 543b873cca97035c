import { frameFromRecords } from '#tables';
import type { LooseRecord } from '#tables';
import { instantOf } from './instant.ts';
import type { MonitoringDeps, RecentQuery, RecentRequests } from './port.ts';
import { selectPredictions } from './query-store.ts';
import { valueAs, widened } from './row-values.ts';

/** See `Monitoring.recentRequests`. */
export async function recentRequests({ store }: MonitoringDeps, query: RecentQuery): Promise<RecentRequests> {
  const { environment, endpoint, from, limit } = query;
  const rows = await store.read((db) =>
    selectPredictions(db, {
      environment,
      endpoint,
      ...(from === undefined ? {} : { from: instantOf(from, 'from') }),
      first: 'newest',
      limit,
    }),
  );
  const records: readonly LooseRecord[] = rows.map(({ inputs }) => inputs);
  const carried = query.columns.filter(({ name }) => records.some((record) => Object.hasOwn(record, name)));
  const columns = carried.map(({ name, type }) => ({ name, type: widened(type, name, records) }));
  return {
    frame: frameFromRecords(
      records.map((record) => Object.fromEntries(carried.map(({ name, type }) => [name, valueAs(type, record[name])]))),
      columns,
    ),
    predicted: rows.map(({ predicted }) => predicted),
    scores: rows.map(({ score }) => score),
    actuals: rows.map((row) => row.label),
    at: rows.map(({ event_time }) => event_time),
  };
}
