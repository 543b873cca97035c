import { frameFromRecords } from '#tables';
import type { Frame, LooseRecord } from '#tables';
import { instantOf } from './instant.ts';
import type { MonitoringDeps, RecentQuery } from './port.ts';
import { selectPredictions } from './query-store.ts';
import { valueAs, widened } from './row-values.ts';

/** See `Monitoring.recentInputs`. */
export async function recentInputs({ store }: MonitoringDeps, query: RecentQuery): Promise<Frame> {
  const { environment, endpoint, from, limit } = query;
  const rows = await store.read((db) =>
    selectPredictions(db, { environment, endpoint, from: instantOf(from, 'from'), first: 'newest', limit }),
  );
  const records: readonly LooseRecord[] = rows.map(({ inputs }) => inputs);
  const carried = query.columns.filter(({ name }) => records.some((record) => Object.hasOwn(record, name)));
  const columns = carried.map(({ name, type }) => ({ name, type: widened(type, name, records) }));
  return frameFromRecords(
    records.map((record) => Object.fromEntries(carried.map(({ name, type }) => [name, valueAs(type, record[name])]))),
    columns,
  );
}
