import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { parseFilter, parseOrderBy } from '#contract';
import { seeded } from '#core';
import { experimentRow } from '../experiments-store.ts';
import { MetricNames } from '../metric-names-store.ts';
import { by } from '../testing.ts';
import type { Rooms } from '../testing.ts';
import { openTraining } from '../training.ts';
import type { CreateTrackedRun, SearchRuns, TrackedRun, Tracking } from './port.ts';
import { matches, searchCases, sorted } from './reference-search.ts';
import { trackedRuns } from './runs-store.ts';
import { outlookOf, searchRuns } from './search-runs-store.ts';
import { addPointAside, isKnownInOrder } from './testing-store.ts';

/** What experiments and runs are to clients on every database: `tracking.test.ts` runs it. */
export function trackingContract(backend: string, open: () => Promise<Rooms>, skip: string | false = false): void {
  describe(`tracking on ${backend}`, { skip }, () => {
    let rooms: Rooms;
    let tracking: Tracking;
    before(async () => {
      rooms = await open();
      ({ tracking } = rooms.training);
      await rooms.training.ensureExperiment('Default');
    });
    after(() => rooms[Symbol.asyncDispose]());
    const start = (more: Partial<CreateTrackedRun> = {}): Promise<TrackedRun> => tracking.createRun({ experiment: '0', by, ...more });
    const metricsOf = async (run: string): Promise<Record<string, number>> =>
      Object.fromEntries((await tracking.getRun(run)).metrics.map(({ key, value }) => [key, value]));

    test('an experiment is made, renamed, tagged, deleted with its runs, and restored', async () => {
      const made = await tracking.createExperiment({
        name: 'vision',
        tags: [{ key: 'team', value: 'a' }],
        artifactLocation: 's3://b/x',
        by,
      });
      assert.equal(made.artifactLocation, 's3://b/x');
      await assert.rejects(tracking.createExperiment({ name: 'vision', by }), { code: 'ALREADY_EXISTS' });
      await tracking.renameExperiment({ id: made.id, name: 'sight', by });
      await tracking.tagExperiment(made.id, { team: null, owner: 'b' });
      const renamed = await tracking.getExperiment(made.id);
      assert.deepEqual([renamed.name, renamed.tags], ['sight', [{ key: 'owner', value: 'b' }]]);
      const run = await start({ experiment: made.id });
      await tracking.deleteExperiment({ id: made.id, by });
      assert.equal((await tracking.getExperiment(made.id)).lifecycle, 'deleted');
      assert.equal((await tracking.getRun(run.id)).lifecycle, 'deleted');
      await assert.rejects(start({ experiment: made.id }), { code: 'FAILED_PRECONDITION' });
      await assert.rejects(tracking.createExperiment({ name: 'sight', by }), { code: 'ALREADY_EXISTS', message: /is deleted/ });
      await assert.rejects(tracking.logBatch(run.id, { metrics: [{ key: 'm', value: 1, step: 0, timestamp: 1 }] }), {
        code: 'FAILED_PRECONDITION',
      });
      await tracking.restoreExperiment({ id: made.id, by });
      assert.equal((await tracking.getRun(run.id)).lifecycle, 'active');
      const events = await rooms.events.read({ subject: made.id });
      assert.deepEqual(
        events.map(({ type }) => type.split('.').slice(2, 4).join('.')),
        ['experiment.created', 'experiment.renamed', 'experiment.deleted', 'experiment.restored'],
      );
      await assert.rejects(tracking.deleteExperiment({ id: '0', by }), { code: 'FAILED_PRECONDITION' });
      await assert.rejects(tracking.getExperiment('nope'), { code: 'NOT_FOUND' });
    });

    test('an experiment that is brought along keeps its id, and nobody else gets it', async () => {
      const long = await tracking.createExperiment({ name: 'from a folder', id: '784512345678901234', by });
      assert.equal(long.id, '784512345678901234');
      const next = Number((await tracking.createExperiment({ name: 'after it', by })).id) + 1;
      await tracking.createExperiment({ name: 'takes a number', id: String(next), by });
      const later = await tracking.createExperiment({ name: 'comes later', by });
      assert.ok(Number(later.id) > next);
    });

    test('a run keeps what is logged, also after its end, and numbers that are none', async () => {
      const run = await start({ name: 'one', user: 'kim', startedAt: 5, tags: [{ key: 'mlflow.source.git.commit', value: 'c0ffee' }] });
      await tracking.logBatch(run.id, {
        metrics: [
          { key: 'auc', value: 0.5, step: 1, timestamp: 10 },
          { key: 'nan', value: Number.NaN, step: 0, timestamp: 10 },
          { key: 'inf', value: Number.POSITIVE_INFINITY, step: 0, timestamp: 10 },
          { key: 'less', value: Number.NEGATIVE_INFINITY, step: 0, timestamp: 10 },
        ],
        parameters: [{ key: 'rate', value: '0.1' }],
        tags: [
          { key: 'mlflow.runName', value: 'two' },
          { key: 'note', value: 'x' },
        ],
      });
      const info = await tracking.updateRun({ id: run.id, status: 'FINISHED', endedAt: 99, by });
      assert.deepEqual([info.status, info.endedAt, info.name, info.user, info.startedAt], ['FINISHED', 99, 'two', 'kim', 5]);
      await tracking.logBatch(run.id, { metrics: [{ key: 'late', value: 1, step: 0, timestamp: 100 }] });
      assert.deepEqual(await metricsOf(run.id), {
        auc: 0.5,
        nan: Number.NaN,
        inf: Number.POSITIVE_INFINITY,
        less: Number.NEGATIVE_INFINITY,
        late: 1,
      });
      const found = await tracking.getRun(run.id);
      assert.deepEqual(
        found.tags.map(({ key, value }) => [key, value]),
        [
          ['mlflow.source.git.commit', 'c0ffee'],
          ['note', 'x'],
          ['mlflow.runName', 'two'],
        ],
      );
      assert.deepEqual((await rooms.training.getRun(run.id)).code, { commit: 'c0ffee', dirty: false });
      assert.deepEqual((await tracking.history(run.id, 'nan')).items[0]?.value, Number.NaN);
      await tracking.deleteTag(run.id, 'note');
      await assert.rejects(tracking.deleteTag(run.id, 'note'), { code: 'NOT_FOUND' });
    });

    test('a parameter does not change, and a request that tries leaves nothing, while others beside it are logged', async () => {
      const run = await start();
      await tracking.logBatch(run.id, { parameters: [{ key: 'depth', value: '3' }] });
      await tracking.logBatch(run.id, { parameters: [{ key: 'depth', value: '3' }] });
      const point = (key: string) => ({ key, value: 1, step: 0, timestamp: 1 });
      const results = await Promise.allSettled([
        tracking.logBatch(run.id, { metrics: [point('a')] }),
        tracking.logBatch(run.id, { metrics: [point('b')], parameters: [{ key: 'depth', value: '4' }] }),
        tracking.logBatch('no-such-run', { metrics: [point('c')] }),
        tracking.logBatch(run.id, { metrics: [point('d')] }),
      ]);
      assert.deepEqual(
        results.map(({ status }) => status),
        ['fulfilled', 'rejected', 'rejected', 'fulfilled'],
      );
      assert.deepEqual(Object.keys(await metricsOf(run.id)).sort(), ['a', 'd']);
    });

    test('points that two servers take at the same time are each kept once', async () => {
      const { tracking: other } = openTraining(rooms.deps);
      const run = await start();
      for (let round = 0; round < 15; round++) {
        const metrics = Array.from({ length: 30 }, (_, at) => ({
          key: 'both',
          step: round * 20 + at,
          timestamp: round * 20 + at,
          value: at,
        }));
        await Promise.all([tracking, other].map((server) => server.logBatch(run.id, { metrics })));
      }
      const { items } = await tracking.history(run.id, 'both');
      // Of 15 batches of 30 points, 14 begin with ten steps of the one before, at other values.
      assert.equal(items.length, 15 * 30);
      assert.equal(new Set(items.map(({ step, value }) => `${step} ${value}`)).size, 15 * 30);
      assert.deepEqual((await tracking.getRun(run.id)).metrics, [{ key: 'both', step: 309, timestamp: 309, value: 29 }]);
      // What is taken for a new point is there already.
      await rooms.store.write((tx) => addPointAside(tx, run.id, 'both', { step: 400, value: 1 }), undefined);
      await tracking.logBatch(run.id, { metrics: [{ key: 'both', value: 1, step: 400, timestamp: 400 }] });
      assert.equal((await tracking.history(run.id, 'both')).items.length, 15 * 30 + 1);
    });

    test('a point that comes twice is one point, and the last value is by step, time and value', async () => {
      const run = await start();
      const log = (value: number, step: number, timestamp: number): Promise<void> =>
        tracking.logBatch(run.id, { metrics: [{ key: 'm', value, step, timestamp }] });
      for (const [value, step, timestamp] of [
        [1, 5, 100],
        [1, 5, 100],
        [2, 3, 900],
        [0.5, 5, 100],
        [3, 5, 99],
      ]) {
        await log(value, step, timestamp);
      }
      assert.deepEqual(await metricsOf(run.id), { m: 1 });
      const { items } = await tracking.history(run.id, 'm');
      assert.deepEqual(
        items.map(({ timestamp, step, value }) => [timestamp, step, value]),
        [
          [99, 5, 3],
          [100, 5, 0.5],
          [100, 5, 1],
          [900, 3, 2],
        ],
        'in the order of time, whatever the steps are',
      );
    });

    test('a history comes page by page, in one order and whole, whether times follow steps or not', async () => {
      for (const inOrder of [true, false]) {
        const run = await start();
        const random = seeded(3);
        const points = Array.from({ length: 700 }, (_, step) => ({
          key: 'loss',
          value: random.int(5),
          step: Math.floor(step / 2),
          timestamp: inOrder ? 1000 + step : random.int(300),
        }));
        await tracking.logBatch(run.id, { metrics: points.slice(0, 350) });
        await tracking.logBatch(run.id, { metrics: points.slice(350) });
        const seen: number[][] = [];
        let after: string | undefined;
        do {
          const page = await tracking.history(run.id, 'loss', { limit: 60, ...(after === undefined ? {} : { after }) });
          seen.push(...page.items.map(({ timestamp, step, value }) => [timestamp, step, value]));
          after = page.next;
        } while (after !== undefined);
        const unique = [
          ...new Map(points.map(({ timestamp, step, value }) => [`${timestamp} ${step} ${value}`, [timestamp, step, value]])).values(),
        ];
        unique.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
        assert.deepEqual(seen, unique);
      }
      await assert.rejects(tracking.history((await start()).id, 'loss', { after: 'x' }), { code: 'INVALID_ARGUMENT' });
    });

    test('batches that come out of turn, as from several threads, leave a history in the order of time that is read at once', async () => {
      const batch = (from: number, late = 0) => ({
        metrics: Array.from({ length: 100 }, (_, k) => ({ key: 'loss', value: k, step: from + k, timestamp: 1000 + from + k - late })),
      });
      const order = async (...batches: readonly ReturnType<typeof batch>[]): Promise<boolean> => {
        const run = await start();
        for (const one of batches) await tracking.logBatch(run.id, one);
        const { items } = await tracking.history(run.id, 'loss');
        const places = items.map(({ timestamp, step }) => timestamp * 10_000 + step);
        assert.deepEqual(
          places,
          places.toSorted((a, b) => a - b),
        );
        assert.equal(
          items.length,
          batches.reduce((sum, { metrics }) => sum + metrics.length, 0),
        );
        return rooms.store.read((db) => isKnownInOrder(db, run.id, 'loss'));
      };
      assert.equal(await order(batch(0), batch(100)), true);
      assert.equal(await order(batch(300), batch(100), batch(200), batch(0)), true);
      assert.equal(await order(batch(100), batch(50)), true, 'they overlap, and go together');
      assert.equal(await order({ metrics: batch(0).metrics.toReversed() }), true);
      assert.equal(await order(batch(300), batch(100), batch(200, 150), batch(0)), false, 'one of them is earlier than what is before it');
      assert.equal(await order(batch(200), batch(0, -500)), false, 'one of them is later than what is after it');
    });

    test('a sample has evenly spread steps, with the first and the last of every run', async () => {
      const runs = await Promise.all([start(), start()]);
      await tracking.logBatch(runs[0].id, {
        metrics: Array.from({ length: 900 }, (_, step) => ({ key: 's', value: step, step, timestamp: step })),
      });
      await tracking.logBatch(runs[1].id, { metrics: [17, 333, 1200].map((step) => ({ key: 's', value: step, step, timestamp: step })) });
      const points = await tracking.sample({ runs: runs.map(({ id }) => id), key: 's', steps: 9 });
      const stepsOf = (run: string): number[] => points.filter((point) => point.run === run).map(({ step }) => step);
      assert.deepEqual(stepsOf(runs[0].id), [0, 17, 100, 200, 300, 400, 500, 600, 700, 800, 899]);
      assert.deepEqual(stepsOf(runs[1].id), [17, 1200]);
      const part = await tracking.sample({ runs: [runs[0].id], key: 's', steps: 5, from: 10, to: 13 });
      assert.deepEqual(
        part.map(({ step }) => step),
        [10, 11, 12, 13],
      );
    });

    test('a sample is the same as one chosen from the list of all steps, while metrics grow, with gaps and without', async () => {
      const random = seeded(11);
      for (let turn = 0; turn < 12; turn++) {
        const runs = await Promise.all(Array.from({ length: 1 + (turn % 3) }, () => start()));
        const steps = runs.map(() => new Set<number>());
        for (let stage = 0; stage < 4; stage++) {
          for (const [at, run] of runs.entries()) {
            const from = stage * 40 + (random.next() < 0.3 ? 3 : 0) - (stage === 3 && at === 0 ? 500 : 0);
            const metrics = Array.from({ length: 40 }, (_, k) => from + k)
              .filter(() => turn < 6 || random.next() < 0.95)
              .map((step) => ({ key: 'grown', value: step, step, timestamp: step }));
            for (const { step } of metrics) steps[at].add(step);
            await tracking.logBatch(run.id, { metrics });
          }
          for (const limits of [{ steps: 7 }, { steps: 500 }, { steps: 5, from: 20, to: 90 }, { steps: 3, from: 2000, to: 3000 }]) {
            const points = await tracking.sample({ runs: runs.map(({ id }) => id), key: 'grown', ...limits });
            const wanted = stepsOfSample(steps, limits);
            assert.deepEqual(
              points.map(({ run, step }) => [run, step]),
              runs.flatMap(({ id }, at) => wanted.filter((step) => steps[at].has(step)).map((step) => [id, step])),
              `turn ${turn}, stage ${stage}, ${JSON.stringify(limits)}`,
            );
          }
        }
      }
    });

    test('a sample of a very long metric has steps next to evenly spread places, with the first and the last', async () => {
      const run = await start();
      for (let at = 0; at < 110_000; at += 10_000) {
        const metrics = Array.from({ length: 10_000 }, (_, k) => ({ key: 'long', value: 1, step: (at + k) * 3, timestamp: at + k }));
        await tracking.logBatch(run.id, { metrics });
      }
      const stepsIn = async (part: { readonly from?: number; readonly to?: number }): Promise<number[]> =>
        (await tracking.sample({ runs: [run.id], key: 'long', steps: 5, ...part })).map(({ step }) => step);
      assert.deepEqual(await stepsIn({}), [0, 82_500, 165_000, 247_497, 329_997]);
      assert.deepEqual(await stepsIn({ from: 100, to: 200 }), [102, 126, 150, 177]);
    });

    test('datasets that a run used are there once, and searched by', async () => {
      const { id: experiment } = await tracking.createExperiment({ name: 'with datasets', by });
      const [one, two] = await Promise.all([start({ experiment }), start({ experiment })]);
      const dataset = { name: 'sales', digest: 'abc', sourceType: 'local', source: '{}', schema: '{"x":1}' };
      const use = (context: string) => [{ dataset, tags: [{ key: 'mlflow.data.context', value: context }] }];
      await tracking.logDatasets(one.id, use('training'));
      await tracking.logDatasets(one.id, use('training'));
      await tracking.logDatasets(two.id, use('testing'));
      assert.deepEqual((await tracking.getRun(one.id)).datasets, use('training'));
      assert.equal((await tracking.datasetsOf([experiment])).length, 2);
      const idsBy = async (text: string): Promise<string[]> =>
        (await search(tracking, { experiments: [experiment], filter: text })).map(({ id }) => id);
      assert.deepEqual(await idsBy("dataset.context = 'testing'"), [two.id]);
      assert.deepEqual((await idsBy("dataset.name LIKE 'sal%'")).sort(), [one.id, two.id].sort());
    });

    test('search gives what a plain reading of all runs gives, page by page, for filters and orders of every kind', async () => {
      const random = seeded(11);
      const { id: experiment } = await tracking.createExperiment({ name: 'searched', by });
      const { id: other } = await tracking.createExperiment({ name: 'other', by });
      for (let at = 0; at < 120; at++) {
        const run = await start({
          experiment: at % 10 === 9 ? other : experiment,
          name: `run ${random.int(30)}`,
          user: `user${random.int(3)}`,
          startedAt: 1000 + random.int(60),
        });
        const point = (key: string, value: number) => ({ key, value, step: 0, timestamp: 1 });
        const metrics = [
          ...(random.int(5) === 0 ? [] : [point('auc', random.int(10) === 0 ? Number.NaN : random.int(8) / 8)]),
          ...(random.int(3) === 0 ? [point('rare metric', random.int(4))] : []),
        ];
        await tracking.logBatch(run.id, {
          metrics,
          parameters: random.int(4) === 0 ? [] : [{ key: 'depth', value: String(random.int(4)) }],
          tags: [{ key: 'team', value: ['a', 'B', 'a_b', 'x%*?[y'][random.int(4)] }],
        });
        if (random.int(3) === 0) await tracking.updateRun({ id: run.id, status: 'FINISHED', endedAt: 2000 + random.int(50), by });
        if (random.int(12) === 0) await tracking.deleteRun({ id: run.id, by });
      }
      const all = await search(tracking, { experiments: [experiment, other], view: 'all' });
      assert.equal(all.length, 120);
      for (const { filter, order, view } of searchCases) {
        for (const experiments of [[experiment], [experiment, other]]) {
          const asked = { experiments, filter, order, view };
          const found = await search(tracking, asked, 17);
          for (const plan of ['along the order', 'led by an index'] as const) {
            const planned = await search({ searchRuns: (query) => searchedBy(plan, rooms, query) }, asked, 17);
            assert.deepEqual(planned, found, `${filter} | ${order.join(', ')} | ${view}: ${plan}`);
          }
          const wanted = sorted(
            all.filter((run) => experiments.includes(run.experiment) && matches(run, filter, view)),
            order,
          );
          assert.deepEqual(
            found.map(({ id }) => id),
            wanted.map(({ id }) => id),
            `${filter} | ${order.join(', ')} | ${view}`,
          );
        }
      }
    });

    test('experiments are searched by name, tag and time', async () => {
      await tracking.createExperiment({ name: 'Alpha One', tags: [{ key: 'kind', value: 'x' }], by });
      await tracking.createExperiment({ name: 'Alpha Two', by });
      const found = async (filter: string, order: string[] = ['name']): Promise<string[]> =>
        (
          await tracking.searchExperiments({
            view: 'active',
            conditions: conditions('experiment', filter),
            order: orders('experiment', order),
            limit: 100,
          })
        ).items.map(({ name }) => name);
      assert.deepEqual(await found("name LIKE 'Alpha%'"), ['Alpha One', 'Alpha Two']);
      assert.deepEqual(await found("name LIKE 'alpha%'"), []);
      assert.deepEqual(await found("name ILIKE 'alpha%'", ['name DESC']), ['Alpha Two', 'Alpha One']);
      assert.deepEqual(await found("tags.kind = 'x'"), ['Alpha One']);
    });
  });
}

function conditions(kind: 'run' | 'experiment', filter: string): Parameters<Tracking['searchRuns']>[0]['conditions'] {
  const parsed = parseFilter(kind, filter);
  assert.ok(parsed.ok, filter);
  return parsed.value;
}

function orders(kind: 'run' | 'experiment', items: readonly string[]): Parameters<Tracking['searchRuns']>[0]['order'] {
  const parsed = parseOrderBy(kind, items);
  assert.ok(parsed.ok, items.join(', '));
  return parsed.value;
}

/** Searches as where filters are met by many runs, or by more than are simply read. */
function searchedBy(plan: 'along the order' | 'led by an index', { store }: Rooms, query: SearchRuns): ReturnType<Tracking['searchRuns']> {
  return store.read(async (db) => {
    const rows = await Promise.all(query.experiments.map((id) => experimentRow(db, id)));
    const experiments = rows.flatMap((row) => row?.id ?? []);
    const names = new MetricNames();
    const { scarce: _, ...outlook } = await outlookOf(db, names, query, plan === 'along the order' ? 0 : 1000);
    const { positions, next } = await searchRuns(db, names, { ...query, experiments }, outlook);
    return { items: await trackedRuns(db, names, positions), ...(next === undefined ? {} : { next }) };
  });
}

interface Asked {
  readonly experiments: readonly string[];
  readonly filter?: string;
  readonly order?: readonly string[];
  readonly view?: 'active' | 'deleted' | 'all';
}

/** All that is found, over as many pages as it takes. */
async function search(
  tracking: Pick<Tracking, 'searchRuns'>,
  { experiments, filter = '', order = [], view = 'active' }: Asked,
  limit = 1000,
): Promise<TrackedRun[]> {
  const found: TrackedRun[] = [];
  let after: string | undefined;
  do {
    const page = await tracking.searchRuns({
      experiments,
      view,
      conditions: conditions('run', filter),
      order: orders('run', order),
      limit,
      ...(after === undefined ? {} : { after }),
    });
    assert.ok(page.items.length <= limit);
    found.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  return found;
}

/** MLflow's rule, read from the list of all steps (`get_metric_history_bulk_interval` of its SQL store). */
function stepsOfSample(
  stepsByRun: readonly ReadonlySet<number>[],
  { from, to, steps: most }: { readonly from?: number; readonly to?: number; readonly steps: number },
): number[] {
  const ascending = (steps: Iterable<number>): number[] => [...new Set(steps)].sort((a, b) => a - b);
  const all = ascending(stepsByRun.flatMap((steps) => [...steps]));
  const isInside = (step: number): boolean => step >= (from ?? 0) && step <= (to ?? Math.max(0, ...all));
  const inside = all.filter(isInside);
  const even =
    inside.length <= most
      ? inside
      : [...Array.from({ length: most }, (_, at) => inside[Math.floor((at * inside.length) / most)]), ...inside.slice(-1)];
  return ascending([...even, ...stepsByRun.flatMap((steps) => [Math.min(...steps), Math.max(...steps)]).filter(isInside)]);
}
