import { setImmediate } from 'node:timers/promises';
import { isGyreError } from '#core';
import type { Store } from '#store';
import { placeOf } from '../runs-store.ts';
import type { MetricNames } from '../metric-names-store.ts';
import { experimentNumbers } from './experiments-store.ts';
import { trackedInfos } from './runs-store.ts';
import { searchPositions, searchRuns } from './search-runs-store.ts';
import { figuresOf, groupsOf } from './groups.ts';
import { keepOutlines, longMetricsOf } from './outlines-store.ts';
import type { KeptOutline } from './outlines-store.ts';
import { freshOutlines, pointsWorthAnOutline, readSeries } from './series.ts';
import {
  endsOfExperiments,
  keyedCells,
  keyedKeysOf,
  metricCells,
  metricKeysOf,
  metricRanges,
  metricValues,
  parameterValues,
} from './table-store.ts';
import { wholeOrder } from './whole-order.ts';
import type { GroupFigures, KeyedValues, RunGroup, RunTable } from './table-port.ts';
import { unknownRun } from './words.ts';

const mostGroups = 1000;
const mostValues = 20;
/** Half a second's reading. */
const mostPointsLookedThrough = 1_000_000;

/** The verbs that show runs as a table and in figures. */
export function openRunTable(store: Store, names: MetricNames): RunTable {
  const kept = async (outlines: readonly KeptOutline[]): Promise<void> => {
    if (outlines.length === 0) return;
    try {
      await store.write(keepOutlines, outlines);
    } catch (error) {
      // Outlines only make the next look quicker: what was read can be answered without them, on a full disk as well.
      if (!isGyreError(error)) throw error;
    }
  };
  return {
    page: (query, limit) =>
      store.read(async (db) => searchRuns(db, names, { ...query, experiments: await experimentNumbers(db, query.experiments), limit })),
    positions: (query, most) =>
      store.read(async (db) => {
        const asked = { ...query, experiments: await experimentNumbers(db, query.experiments) };
        const positions = await wholeOrder(db, names, asked, most);
        return positions === undefined ? searchPositions(db, names, asked, most) : { positions, more: false };
      }),
    rows: ({ experiments, positions, columns }) =>
      store.read(async (db) => {
        const infos = await trackedInfos(db, positions);
        const allowed = new Set(experiments);
        const ids = await Promise.all(columns.metrics.map((key) => names.find(db, key)));
        const known = ids.flatMap((id) => id ?? []);
        const metrics = new Map((await metricCells(db, positions, known)).map(({ run, name, value }) => [`${run} ${name}`, value]));
        const keyed = async (table: 'parameters' | 'tags', keys: readonly string[]): Promise<ReadonlyMap<string, string>> =>
          new Map((await keyedCells(db, table, positions, keys)).map(({ run, key, value }) => [`${run} ${key}`, value]));
        const parameters = await keyed('parameters', columns.parameters);
        const tags = await keyed('tags', columns.tags);
        return positions.flatMap((position) => {
          const info = infos.get(position);
          if (info === undefined || !allowed.has(info.experiment)) return [];
          const { artifactLocation: _, ...facts } = info;
          return {
            position,
            ...facts,
            metrics: ids.map((id) => metrics.get(`${position} ${id}`) ?? null),
            parameters: columns.parameters.map((key) => parameters.get(`${position} ${key}`) ?? null),
            tags: columns.tags.map((key) => tags.get(`${position} ${key}`) ?? null),
          };
        });
      }),
    groups: (query, by, metrics) =>
      store.read(async (db) => {
        const experiments = await experimentNumbers(db, query.experiments);
        const { positions } = await searchPositions(db, names, { ...query, experiments, order: [] }, Number.MAX_SAFE_INTEGER - 1);
        const groups = groupsOf(positions, await parameterValues(db, positions, by), mostGroups);
        const figures: (readonly (GroupFigures | null)[])[] = [];
        for (const key of metrics) {
          const name = await names.find(db, key);
          figures.push(figuresOf(groups, name === undefined ? [] : await metricValues(db, positions, name)));
          // Reading a metric of a hundred thousand runs takes a while: others are answered between.
          await setImmediate();
        }
        return groups.values.map((value, at): RunGroup => ({
          value,
          runs: groups.sizes[at],
          metrics: figures.map((own) => own[at]),
        }));
      }),
    keys: (experiments) =>
      store.read(async (db) => {
        const runs = await endsOfExperiments(db, await experimentNumbers(db, experiments));
        if (runs.length === 0) return { metrics: [], parameters: [], tags: [] };
        return {
          metrics: await metricKeysOf(db, runs),
          parameters: withValues(await keyedKeysOf(db, 'parameters', runs)),
          tags: withValues(await keyedKeysOf(db, 'tags', runs)),
        };
      }),
    series: async (query) => {
      const { answer, outlines } = await store.read((db) => readSeries(db, names, query));
      await kept(outlines);
      return answer;
    },
    outline: async (run) => {
      const outlines = await store.read(async (db) => {
        const place = await placeOf(db, run);
        return place === undefined ? [] : freshOutlines(db, await longMetricsOf(db, place.position, pointsWorthAnOutline));
      });
      await kept(outlines);
    },
    ranges: (run) =>
      store.read(async (db) => {
        const place = await placeOf(db, run);
        if (place === undefined) throw unknownRun(run);
        return metricRanges(db, place.position, mostPointsLookedThrough);
      }),
  };
}

function withValues(rows: readonly { readonly key: string; readonly value: string }[]): KeyedValues[] {
  return [...Map.groupBy(rows, ({ key }) => key)].map(([key, found]) => ({
    key,
    values: found.slice(0, mostValues).map(({ value }) => value),
  }));
}
