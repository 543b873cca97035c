import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { parseFilter, parseOrderBy } from '#contract';
import { seeded } from '#core';
import { MetricNames } from '../metric-names-store.ts';
import { by } from '../testing.ts';
import type { Rooms } from '../testing.ts';
import { experimentNumbers } from './experiments-store.ts';
import type { Point, Tracking } from './port.ts';
import type { RunSelection, SeriesQuery } from './table-port.ts';
import { wholeOrder } from './whole-order.ts';

const minute = 60_000;

/** What runs are as a table and in figures, on every database: `table.test.ts` runs it. */
export function runTableContract(backend: string, open: () => Promise<Rooms>, skip: string | false = false): void {
  describe(`runs as a table on ${backend}`, { skip }, () => {
    let rooms: Rooms;
    let tracking: Tracking;
    let experiment = '';
    const runs: string[] = [];
    before(async () => {
      rooms = await open();
      ({ tracking } = rooms.training);
      experiment = (await tracking.createExperiment({ name: 'table', by })).id;
      for (let at = 0; at < 6; at++) {
        const { id } = await tracking.createRun({ experiment, name: `run ${at}`, startedAt: at * minute, by });
        const loss = at === 5 ? Number.NaN : at / 8;
        await tracking.logBatch(id, {
          metrics: [point('loss', loss, 0, at), ...(at % 2 === 0 ? [point('score', at, 0, at)] : [])],
          parameters: at === 4 ? [] : [{ key: 'depth', value: at < 3 ? '3' : '5' }],
          tags: [{ key: 'team', value: `t${at % 2}` }],
        });
        runs.push(id);
      }
    });
    after(() => rooms[Symbol.asyncDispose]());

    const selection = (filter = '', order: readonly string[] = []): RunSelection => {
      const conditions = parseFilter('run', filter);
      const orders = parseOrderBy('run', order);
      assert.ok(conditions.ok && orders.ok);
      return { experiments: [experiment], view: 'active', conditions: conditions.value, order: orders.value };
    };
    const namesAt = async (positions: readonly number[]): Promise<string[]> => {
      const found = await tracking.rows({ experiments: [experiment], positions, columns: { metrics: [], parameters: [], tags: [] } });
      return found.map(({ name }) => name);
    };

    test('positions are all runs that meet the filter, in the order that was asked for', async () => {
      const newest = await tracking.positions(selection(), 100);
      assert.deepEqual(await namesAt(newest.positions), ['run 5', 'run 4', 'run 3', 'run 2', 'run 1', 'run 0']);
      assert.equal(newest.more, false);
      assert.equal((await tracking.positions(selection(), 5)).more, true);
      const best = await tracking.page(selection('metrics.loss < 0.4', ['metrics.loss ASC']), 3);
      assert.deepEqual(await namesAt(best.positions), ['run 0', 'run 1', 'run 2']);
      assert.ok(best.next !== undefined);
      const rest = await tracking.page({ ...selection('metrics.loss < 0.4', ['metrics.loss ASC']), after: best.next }, 3);
      assert.deepEqual(await namesAt(rest.positions), ['run 3']);
    });

    test('a row holds the columns that were asked for in their order, and null where nothing was logged', async () => {
      const { positions } = await tracking.positions(selection(), 100);
      const found = await tracking.rows({
        experiments: [experiment],
        positions,
        columns: { metrics: ['score', 'nothing', 'loss'], parameters: ['depth'], tags: ['team', 'nobody'] },
      });
      const [newest, before4] = found;
      assert.deepEqual([newest.metrics, newest.parameters, newest.tags], [[null, null, Number.NaN], ['5'], ['t1', null]]);
      assert.deepEqual([before4.metrics, before4.parameters], [[4, null, 0.5], [null]]);
      assert.equal(newest.id, runs[5]);
    });

    test('rows of an experiment that was not named are left out', async () => {
      const { positions } = await tracking.positions(selection(), 100);
      const columns = { metrics: [], parameters: [], tags: [] };
      assert.deepEqual(await tracking.rows({ experiments: [], positions, columns }), []);
    });

    test('groups of a parameter have their sizes and the figures of finite metrics', async () => {
      assert.deepEqual(await tracking.groups(selection(), 'depth', ['loss', 'none']), [
        { value: '3', runs: 3, metrics: [{ count: 3, mean: 0.125, min: 0, max: 0.25 }, null] },
        { value: '5', runs: 2, metrics: [{ count: 1, mean: 0.375, min: 0.375, max: 0.375 }, null] },
        { value: null, runs: 1, metrics: [{ count: 1, mean: 0.5, min: 0.5, max: 0.5 }, null] },
      ]);
      const [only] = await tracking.groups(selection("tags.team = 't0' AND metrics.score > 1 AND metrics.score < 3"), 'depth', ['score']);
      assert.deepEqual(only, { value: '3', runs: 1, metrics: [{ count: 1, mean: 2, min: 2, max: 2 }] });
    });

    test('the keys that runs can be looked at by come with some of their values', async () => {
      assert.deepEqual(await tracking.keys([experiment]), {
        metrics: ['loss', 'score'],
        parameters: [{ key: 'depth', values: ['3', '5'] }],
        tags: [{ key: 'team', values: ['t0', 't1'] }],
      });
      assert.deepEqual(await tracking.keys(['nowhere']), { metrics: [], parameters: [], tags: [] });
    });

    test('a short metric is answered point by point on an axis that its runs share', async () => {
      await tracking.logBatch(runs[0], { metrics: [1, 2, 4].map((step) => point('short', step * 10, step, 1000 + step * 100)) });
      await tracking.logBatch(runs[1], { metrics: [2, 3].map((step) => point('short', step, step, 9000 + step)) });
      const query = { runs: [runs[0], runs[1], runs[2]], key: 'short', buckets: 100 };
      assert.deepEqual(await tracking.series({ ...query, axis: 'step' }), {
        x: [1, 2, 3, 4],
        series: [
          { run: runs[0], at: [0, 1, 3], mean: [10, 20, 40] },
          { run: runs[1], at: [1, 2], mean: [2, 3] },
        ],
      });
      assert.deepEqual((await tracking.series({ ...query, axis: 'step', from: 2, to: 3 })).x, [2, 3]);
      assert.deepEqual((await tracking.series({ ...query, axis: 'relative', buckets: 400 })).x, [0, 1, 100, 300]);
      assert.deepEqual((await tracking.series({ ...query, axis: 'time', to: 5000 })).x, [1100, 1200, 1400]);
      assert.deepEqual(await tracking.series({ ...query, key: 'nothing', axis: 'step' }), { x: [], series: [] });
      await tracking.logBatch(runs[0], { metrics: [0, 2, 4, 9].map((step) => point('pace', step / 2, step, step)) });
      const over = await tracking.series({ ...query, over: 'pace', axis: 'step' });
      assert.deepEqual(over.over, [{ run: runs[0], at: [1, 3], mean: [1, 2] }]);
      assert.deepEqual(over.x, [1, 2, 3, 4]);
      await assert.rejects(tracking.series({ ...query, runs: ['nobody'], axis: 'step' }), { code: 'NOT_FOUND' });
    });

    test('a long metric keeps the least and the greatest value of each stretch; what is no number is left out', async () => {
      const values = Array.from({ length: 3000 }, (_, step) => (step === 777 ? 1000 : step === 1500 ? Number.NaN : Math.sin(step / 100)));
      values[2000] = Number.POSITIVE_INFINITY;
      await tracking.logBatch(runs[3], { metrics: values.map((value, step) => point('long', value, step, step)) });
      const { x, series } = await tracking.series({ runs: [runs[3]], key: 'long', axis: 'step', buckets: 50 });
      assert.equal(x.length, 50);
      const [{ at, mean, min, max }] = series;
      assert.equal(at.length, 50);
      assert.ok(min !== undefined && max !== undefined);
      assert.equal(Math.max(...max), 1000);
      const finite = values.slice(0, 60);
      assert.ok(Math.abs(mean[0] - finite.reduce((sum, value) => sum + value, 0) / 60) < 1e-6);
      assert.ok(Math.abs(min[0] - Math.min(...finite)) < 1e-6);
    });

    test('a metric of very many points is summed up by the database to the same figures', async () => {
      const length = 60_000;
      for (let start = 0; start < length; start += 20_000) {
        await tracking.logBatch(runs[2], {
          metrics: Array.from({ length: 20_000 }, (_, at) => point('endless', (start + at) % 1000, start + at, start + at)),
        });
      }
      const byStep = await tracking.series({ runs: [runs[2]], key: 'endless', axis: 'step', buckets: 10 });
      // Places are whole stretches wide.
      assert.deepEqual(byStep.x, [0, 6016, 12_032, 18_048, 24_064, 30_080, 36_096, 42_112, 48_128, 54_144]);
      const looked = await tracking.series({ runs: [runs[2]], key: 'endless', axis: 'step', buckets: 10 });
      for (const { x, series } of [byStep, looked, await tracking.series({ runs: [runs[2]], key: 'endless', axis: 'time', buckets: 10 })]) {
        assert.equal(x.length, 10);
        assert.deepEqual([series[0].min, series[0].max], [x.map(() => 0), x.map(() => 999)]);
        // A stretch stands where it begins: some of its points may lie in the next place.
        series[0].mean.forEach((mean) => assert.ok(Math.abs(mean - 499.5) < 40));
      }
    });

    test('a long metric that was looked at before answers the same figures, at every zoom and while it goes on', async () => {
      const random = seeded(11);
      const points: Point[] = [];
      const log = async (count: number): Promise<void> => {
        const fresh: Point[] = [];
        for (let at = 0; at < count; at++) {
          const before = fresh.at(-1) ?? points.at(-1);
          // Steps and times with gaps, some of them shared, and values that are none.
          const step = (before?.step ?? 37) + Math.floor(random.next() * 4);
          const timestamp = (before?.timestamp ?? 5000) + Math.floor(random.next() * 30);
          fresh.push(point('outlined', at % 997 === 5 ? Number.NaN : random.normal() * 10 ** (at % 5), step, timestamp));
        }
        points.push(...fresh);
        await tracking.logBatch(runs[1], { metrics: fresh });
      };
      const asked: readonly Pick<SeriesQuery, 'axis' | 'from' | 'to' | 'buckets'>[] = [
        { axis: 'step', buckets: 50 },
        { axis: 'step', buckets: 500 },
        { axis: 'step', buckets: 2000 },
        { axis: 'step', from: 1001, to: 6003, buckets: 100 },
        { axis: 'step', from: 3000, to: 3010, buckets: 500 },
        { axis: 'time', buckets: 2000 },
        { axis: 'relative', from: 20_000, to: 60_000, buckets: 100 },
      ];
      const holds = async (): Promise<void> => {
        for (const query of asked) {
          const answer = await tracking.series({ runs: [runs[1]], key: 'outlined', ...query });
          assert.ok(answer.x.length <= query.buckets);
          const [own] = answer.series;
          const finite = points.filter(({ value }) => Number.isFinite(value));
          const xOf = ({ step, timestamp }: Point): number =>
            query.axis === 'step' ? step : query.axis === 'time' ? timestamp : timestamp - points[0].timestamp;
          const shown = finite.filter((one) => xOf(one) >= (query.from ?? -Infinity) && xOf(one) <= (query.to ?? Infinity));
          if (query.axis !== 'step') {
            // Stretches stand where they begin: what is greatest of all is greatest in some place.
            const greatest = Math.max(...shown.map(({ value }) => value));
            if (query.from === undefined) near(Math.max(...(own.max ?? own.mean)), greatest);
            continue;
          }
          // Every place holds the very points from its own x up to the next.
          own.at.forEach((place, at) => {
            const next = answer.x[place + 1] ?? Infinity;
            const inPlace = shown.filter((one) => xOf(one) >= answer.x[place] && xOf(one) < next).map(({ value }) => value);
            near(own.mean[at], inPlace.reduce((sum, value) => sum + value, 0) / inPlace.length);
            near((own.max ?? own.mean)[at], Math.max(...inPlace));
            near((own.min ?? own.mean)[at], Math.min(...inPlace));
          });
        }
      };
      await log(7000);
      await holds();
      await holds();
      await log(300);
      await holds();
      await log(6000);
      await holds();
      await tracking.outline(runs[1]);
      await holds();
      const early = point('outlined', 1e6, 40, 1);
      points.splice(0, 0, early);
      await tracking.logBatch(runs[1], { metrics: [early] });
      points.sort((a, b) => a.timestamp - b.timestamp);
      await holds();
    });

    test('the range of each metric of a run is that of its finite values', async () => {
      await tracking.logBatch(runs[4], {
        metrics: [point('wide', 3, 0, 0), point('wide', Number.NaN, 1, 1), point('wide', -1, 2, 2), point('wide', -Infinity, 3, 3)],
      });
      const ranges = await tracking.ranges(runs[4]);
      assert.deepEqual(
        ranges?.find(({ key }) => key === 'wide'),
        { key: 'wide', count: 2, min: -1, max: 3 },
      );
      await assert.rejects(tracking.ranges('nobody'), { code: 'NOT_FOUND' });
    });

    test('all runs in the order of one value are the same, whether runs are looked up or values read from end to end', async () => {
      const names = new MetricNames();
      const { positions: newest } = await tracking.positions(selection(), 100);
      // One without a value, two of the same, one that is none.
      await tracking.logBatch(runs[1], { metrics: [point('loss', 0.5, 9, 9)], tags: [{ key: 'mood', value: 'ü' }] });
      await tracking.logBatch(runs[2], { tags: [{ key: 'mood', value: 'z' }] });
      for (const key of ['metrics.loss', 'metrics.score', 'params.depth', 'tags.mood', 'metrics.nowhere'])
        for (const direction of ['ASC', 'DESC'])
          for (const filter of ['', "tags.team = 't1'"]) {
            const query = selection(filter, [`${key} ${direction}`]);
            const experiments = await rooms.store.read((db) => experimentNumbers(db, query.experiments));
            const whole = await rooms.store.read((db) => wholeOrder(db, names, { ...query, experiments }, 100, 1));
            assert.deepEqual(whole, (await tracking.page(query, 100)).positions, `${key} ${direction} ${filter}`);
            assert.deepEqual(whole, (await tracking.positions(query, 100)).positions);
            assert.ok(filter !== '' || whole.length === newest.length);
          }
      const long = selection('', ['params.long']);
      await tracking.logBatch(runs[0], { parameters: [{ key: 'long', value: 'x'.repeat(300) }] });
      const experiments = await rooms.store.read((db) => experimentNumbers(db, long.experiments));
      assert.equal(await rooms.store.read((db) => wholeOrder(db, names, { ...long, experiments }, 100, 1)), undefined);
    });
  });
}

/** Means are added up in another order, and answered with nine digits. */
function near(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) <= 1e-8 * Math.max(1, Math.abs(expected)), `${actual} is not ${expected}`);
}

function point(key: string, value: number, step: number, timestamp: number): Point {
  return { key, value, step, timestamp };
}
