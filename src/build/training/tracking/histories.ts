import type { Db, Store } from '#store';
import { pointsAt, pointsByTime } from '../history-store.ts';
import type { Series, StoredPoint } from '../history-store.ts';
import type { MetricNames } from '../metric-names-store.ts';
import { pointOfToken, pointToken } from '../paging.ts';
import { placesOf } from '../runs-store.ts';
import type { Point, Tracking } from './port.ts';
import { openSampling } from './sampling.ts';
import { unknownRun } from './words.ts';

/** As many as fit in an answer of bearable size. */
const mostPoints = 25_000;

/** The verbs that read what metrics were over time. */
export function openHistories(store: Store, names: MetricNames): Pick<Tracking, 'history' | 'histories' | 'sample'> {
  const sampledSteps = openSampling();
  return {
    history: (run, key, { limit = Number.MAX_SAFE_INTEGER, after } = {}) =>
      store.read(async (db) => {
        const [series] = await seriesOf(db, names, [run], key);
        if (series === undefined) return { items: [] };
        const points = await pointsByTime(db, series, limit + 1, after === undefined ? undefined : pointOfToken(after));
        const items = points.slice(0, limit);
        const last = items.at(-1);
        return {
          items: items.map((point) => toPoint(key, point)),
          ...(points.length > limit && last !== undefined ? { next: pointToken(last) } : {}),
        };
      }),
    histories: (runs, key, limit) =>
      store.read(async (db) => {
        const found: (Point & { readonly run: string })[] = [];
        for (const series of await seriesOf(db, names, runs, key)) {
          const points = await pointsByTime(db, series, limit - found.length, undefined);
          found.push(...points.map((point) => ({ ...toPoint(key, point), run: series.id })));
          if (found.length >= limit) break;
        }
        return found;
      }),
    sample: (query) =>
      store.read(async (db) => {
        const all = await seriesOf(db, names, query.runs, query.key);
        const steps = await sampledSteps(db, all, query);
        const found = await Promise.all(all.map((series) => pointsAt(db, series, steps, mostPoints)));
        return all.flatMap(({ id }, at) => found[at].map((point) => ({ ...toPoint(query.key, point), run: id })));
      }),
  };
}

/** The series of a metric in runs, in the order of these; runs without it have none. @throws GyreError NOT_FOUND for a run that is not there */
export async function seriesOf(
  db: Db,
  names: MetricNames,
  runs: readonly string[],
  key: string,
): Promise<(Series & { readonly id: string })[]> {
  const places = await placesOf(db, runs);
  const missing = runs.find((run) => !places.has(run));
  if (missing !== undefined) throw unknownRun(missing);
  const name = await names.find(db, key);
  if (name === undefined) return [];
  return runs.map((id) => ({ id, run: places.get(id)?.position ?? 0, name }));
}

const toPoint = (key: string, { step, timestamp, value, isNan }: StoredPoint): Point => ({
  key,
  step,
  timestamp,
  value: isNan ? Number.NaN : value,
});
