import type { Db, Store } from '#store';
import { pointsAt, pointsByTime, stepsNear, stepsOf } from '../history-store.ts';
import type { Series, StoredPoint } from '../history-store.ts';
import type { MetricNames } from '../metric-names-store.ts';
import { pointOfToken, pointToken } from '../paging.ts';
import { placesOf } from '../runs-store.ts';
import type { Point, SampleHistory, Tracking } from './port.ts';
import { unknownRun } from './words.ts';

/** As many as fit in an answer of bearable size. */
const mostPoints = 25_000;
/** A series with more steps is sampled by their numbers. */
const mostSteps = 100_000;

/** The verbs that read what metrics were over time. */
export function openHistories(store: Store, names: MetricNames): Pick<Tracking, 'history' | 'histories' | 'sample'> {
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
        const steps = sampledSteps(await Promise.all(all.map((series) => stepsToChooseFrom(db, series, query))), query);
        const found: (Point & { readonly run: string })[] = [];
        for (const series of all) {
          const points = await pointsAt(db, series, steps, mostPoints);
          found.push(...points.map((point) => ({ ...toPoint(query.key, point), run: series.id })));
        }
        return found;
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

/** All steps of a series; of a long one those next to evenly spread places, so that its millions are not read. */
async function stepsToChooseFrom(db: Db, series: Series, { from, to, steps }: SampleHistory): Promise<readonly number[]> {
  const all = await stepsOf(db, series, mostSteps);
  return all ?? stepsNear(db, series, { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }), places: steps });
}

/**
 * Steps spread evenly over those that any run has, with the first and the last of each run, as MLflow's server picks them.
 * @param stepsByRun ascending
 */
function sampledSteps(stepsByRun: readonly (readonly number[])[], { from, to, steps: most }: SampleHistory): number[] {
  const all = stepsByRun.length === 1 ? stepsByRun[0] : [...new Set(stepsByRun.flat())].sort((a, b) => a - b);
  const low = from ?? 0;
  const high = to ?? all.at(-1) ?? 0;
  const inside = all.filter((step) => step >= low && step <= high);
  const ends = stepsByRun
    .flatMap((steps) => [steps.at(0), steps.at(-1)])
    .filter((step) => step !== undefined && step >= low && step <= high);
  const sampled = new Set<number>(ends.flatMap((step) => step ?? []));
  if (inside.length <= most) for (const step of inside) sampled.add(step);
  else {
    for (let at = 0; at < most; at++) sampled.add(inside[Math.floor((at * inside.length) / most)]);
    sampled.add(inside[inside.length - 1]);
  }
  return [...sampled].sort((a, b) => a - b);
}
