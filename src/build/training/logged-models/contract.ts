import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { parseFilter, parseLoggedModelOrderBy } from '#contract';
import type { LoggedModelOrderBy } from '#contract';
import { by } from '../testing.ts';
import type { Rooms } from '../testing.ts';
import type { LoggedPoint, TrackedRun, Tracking } from '../tracking/port.ts';
import { publicRunId } from '../tracking/words.ts';
import type { CreateLoggedModel, LoggedModel, LoggedModels, SearchLoggedModels } from './port.ts';

/** What logged models are to clients on every database: `logged-models.test.ts` runs it. */
export function loggedModelsContract(backend: string, open: () => Promise<Rooms>, skip: string | false = false): void {
  describe(`logged models on ${backend}`, { skip }, () => {
    let rooms: Rooms;
    let tracking: Tracking;
    let models: LoggedModels;
    before(async () => {
      rooms = await open();
      ({ tracking, loggedModels: models } = rooms.training);
      await rooms.training.ensureExperiment('Default');
    });
    after(() => rooms[Symbol.asyncDispose]());

    const create = (more: Partial<CreateLoggedModel> = {}): Promise<LoggedModel> => models.create({ experiment: '0', by, ...more });
    const experiment = async (name: string): Promise<string> => (await tracking.createExperiment({ name, by })).id;
    const run = (more: { readonly experiment?: string } = {}): Promise<TrackedRun> => tracking.createRun({ experiment: '0', by, ...more });
    const point = (model: string, value: number, more: Partial<LoggedPoint> = {}): LoggedPoint => ({
      key: 'auc',
      step: 0,
      timestamp: 1,
      ...more,
      model,
      value,
    });
    const search = async (
      where: string,
      filter: string,
      {
        order = [],
        ...more
      }: Partial<Omit<SearchLoggedModels, 'order' | 'conditions'>> & { readonly order?: readonly LoggedModelOrderBy[] } = {},
    ): Promise<{ readonly names: readonly string[]; readonly next?: string }> => {
      const conditions = parseFilter('logged_model', filter);
      const orders = parseLoggedModelOrderBy(order);
      assert.ok(conditions.ok && orders.ok, filter);
      const page = await models.search({
        experiments: [where],
        conditions: conditions.value,
        order: orders.value,
        datasets: [],
        limit: 100,
        ...more,
      });
      return { names: page.items.map(({ name }) => name), ...(page.next === undefined ? {} : { next: page.next }) };
    };

    test('are made pending, get a status, parameters and tags, and are found by their id', async () => {
      const made = await create({
        name: 'forest',
        modelType: 'classifier',
        sourceRun: 'c0ffee',
        parameters: [{ key: 'trees', value: '10' }],
        tags: [
          { key: 'team', value: 'a' },
          { key: 'team', value: 'b' },
        ],
      });
      assert.match(made.id, /^m-/);
      assert.deepEqual([made.status, made.lifecycle, made.experiment], ['PENDING', 'active', '0']);
      await models.logParameters(made.id, [
        { key: 'depth', value: '3' },
        { key: 'trees', value: '10' },
      ]);
      await models.setTags(made.id, [{ key: 'note', value: 'x'.repeat(5000) }]);
      const ready = await models.setStatus({ id: made.id, status: 'READY', by });
      assert.deepEqual(await models.get(made.id), ready);
      assert.deepEqual(ready, {
        ...made,
        status: 'READY',
        updatedAt: ready.updatedAt,
        parameters: [
          { key: 'depth', value: '3' },
          { key: 'trees', value: '10' },
        ],
        tags: [
          { key: 'note', value: 'x'.repeat(5000) },
          { key: 'team', value: 'b' },
        ],
      });
      await models.deleteTag(made.id, 'note');
      assert.deepEqual((await models.get(made.id)).tags, [{ key: 'team', value: 'b' }]);
      assert.equal(await models.experimentOf(made.id), '0');
      const events = await rooms.events.read({ subject: made.id });
      assert.deepEqual(
        events.map(({ type }) => type),
        ['dev.gyre.logged_model.created.v1', 'dev.gyre.logged_model.status_set.v1'],
      );
    });

    test('refuse what is not there, and parameters that change', async () => {
      const { id, name } = await create({ parameters: [{ key: 'a', value: '1' }] });
      assert.match(name, /^model-/);
      await assert.rejects(models.logParameters(id, [{ key: 'a', value: '2' }]), {
        code: 'FAILED_PRECONDITION',
        message: /already logged/,
      });
      await assert.rejects(
        models.logParameters(id, [
          { key: 'b', value: '1' },
          { key: 'b', value: '2' },
        ]),
        { code: 'FAILED_PRECONDITION' },
      );
      await assert.rejects(models.deleteTag(id, 'none'), { code: 'NOT_FOUND', message: /No tag with key 'none' found/ });
      for (const asked of [
        () => models.get('m-none'),
        () => models.setTags('m-none', []),
        () => models.delete({ id: 'm-none', by }),
        () => models.setStatus({ id: 'm-none', status: 'READY', by }),
      ])
        await assert.rejects(asked, { code: 'NOT_FOUND', message: "Logged model with ID 'm-none' not found." });
      await assert.rejects(create({ experiment: 'none' }), { code: 'NOT_FOUND' });
      await assert.rejects(create({ id }), { code: 'ALREADY_EXISTS' });
      assert.equal(await models.experimentOf('m-none'), undefined);
      const gone = await experiment('gone');
      await tracking.deleteExperiment({ id: gone, by });
      await assert.rejects(create({ experiment: gone }), { code: 'FAILED_PRECONDITION' });
    });

    test('that are deleted are found only by who asks for them', async () => {
      const { id } = await create({ name: 'old' });
      await models.delete({ id, by });
      await models.delete({ id, by });
      await assert.rejects(models.get(id), { code: 'NOT_FOUND' });
      assert.equal((await models.get(id, { deleted: true })).lifecycle, 'deleted');
      assert.ok(!(await search('0', "name = 'old'")).names.includes('old'));
    });

    test('keep every value that runs measure of them, with the dataset', async () => {
      const { id } = await create();
      const measured = await run();
      const dataset = { name: 'test', digest: 'd1' };
      await tracking.logBatch(measured.id, {
        metrics: [
          point(id, 0.5, { dataset }),
          point(id, 0.6, { step: 1 }),
          point(id, Number.NaN, { key: 'loss' }),
          point(id, 0.5, { dataset }),
        ],
      });
      const own = publicRunId(measured.id);
      assert.deepEqual((await models.get(id)).metrics, [
        { key: 'auc', value: 0.5, step: 0, timestamp: 1, run: own, dataset },
        { key: 'auc', value: 0.6, step: 1, timestamp: 1, run: own },
        { key: 'loss', value: Number.NaN, step: 0, timestamp: 1, run: own },
      ]);
      assert.equal((await tracking.getRun(measured.id)).metrics.find(({ key }) => key === 'auc')?.value, 0.6);
      await assert.rejects(tracking.logBatch(measured.id, { metrics: [point('m-none', 1)], tags: [{ key: 'half', value: 'done' }] }), {
        code: 'NOT_FOUND',
        message: /m-none/,
      });
      assert.ok(!(await tracking.getRun(measured.id)).tags.some(({ key }) => key === 'half'));
    });

    test('stand in the runs that made and used them, once each', async () => {
      const made = await run();
      const { id } = await create();
      await models.link(made.id, [{ model: id, role: 'output', step: 2 }]);
      await models.link(made.id, [
        { model: id, role: 'output', step: 2 },
        { model: id, role: 'input', step: 0 },
      ]);
      assert.deepEqual((await tracking.getRun(made.id)).models, [
        { model: id, role: 'output', step: 2 },
        { model: id, role: 'input', step: 0 },
      ]);
      await assert.rejects(models.link('none', []), { code: 'NOT_FOUND' });
      await tracking.deleteRun({ id: made.id, by });
      await assert.rejects(models.link(made.id, []), { code: 'FAILED_PRECONDITION' });
    });

    describe('searched', () => {
      let where: string;
      before(async () => {
        where = await experiment('searched');
        const one = await run({ experiment: where });
        const two = await run({ experiment: where });
        const make = (name: string, more: Partial<CreateLoggedModel> = {}): Promise<LoggedModel> =>
          create({ experiment: where, name, ...more });
        const a = await make('a', { modelType: 'tree', parameters: [{ key: 'lr', value: '0.1' }], tags: [{ key: 'team', value: 'red' }] });
        const b = await make('b', { parameters: [{ key: 'lr', value: '0.2' }], tags: [{ key: 'team', value: 'Red' }] });
        const c = await make('c', { modelType: 'linear', sourceRun: one.id });
        await make('d');
        await models.setStatus({ id: a.id, status: 'READY', by });
        const [test1, test2, train] = [
          { name: 'test', digest: '1' },
          { name: 'test', digest: '2' },
          { name: 'train', digest: '1' },
        ];
        await tracking.logBatch(one.id, {
          metrics: [
            point(a.id, 0.9, { dataset: test1 }),
            point(a.id, 0.2, { dataset: train, timestamp: 2 }),
            point(b.id, 0.5, { dataset: test2 }),
            point(c.id, Number.NaN),
          ],
        });
        await tracking.logBatch(two.id, { metrics: [point(b.id, 0.7, { timestamp: 3 })] });
      });

      test('by attributes, parameters and tags', async () => {
        for (const [filter, names] of [
          ['', ['a', 'b', 'c', 'd']],
          ["name = 'a'", ['a']],
          ["name IN ('a', 'd') AND name != 'a'", ['d']],
          ["status = 'READY'", ['a']],
          ['status = 1', ['b', 'c', 'd']],
          ["model_type LIKE 't%'", ['a']],
          ["model_type != 'tree'", ['c']],
          ['params.lr = 0.2', ['b']],
          ["params.lr LIKE '0.%'", ['a', 'b']],
          ["tags.team = 'red'", ['a']],
          ["tags.team ILIKE 'RED'", ['a', 'b']],
          ["tags.team NOT IN ('red')", ['b']],
          ["artifact_location LIKE '%/models/m-%/artifacts'", ['a', 'b', 'c', 'd']],
          ["lifecycle_stage = 'deleted'", []],
          ["status_message = 'x'", []],
          ['creation_timestamp > 0', ['a', 'b', 'c', 'd']],
          [`experiment_id = '${where}'`, ['a', 'b', 'c', 'd']],
        ] as const)
          assert.deepEqual((await search(where, filter)).names.toSorted(), names, filter);
        assert.deepEqual((await search('none', '')).names, []);
      });

      test('by any value of a metric, on chosen datasets', async () => {
        const test1 = [{ name: 'test', digest: '1' }];
        for (const [filter, datasets, names] of [
          ['metrics.auc > 0.6', [], ['a', 'b']],
          ['metrics.auc < 0.6', [], ['a', 'b']],
          ['metrics.auc != 0.9', [], ['a', 'b', 'c']],
          ['metrics.none > 0', [], []],
          ['metrics.auc > 0.4', [{ name: 'test' }], ['a', 'b']],
          ['metrics.auc > 0.4', test1, ['a']],
          ['metrics.auc > 0.4', [{ name: 'train' }], []],
          ['', test1, ['a']],
          ['', [{ name: 'test' }], ['a', 'b']],
          ['', [...test1, { name: 'train' }], ['a']],
        ] as const)
          assert.deepEqual((await search(where, filter, { datasets })).names.toSorted(), names, `${filter} ${JSON.stringify(datasets)}`);
      });

      test('come in an order, what is missing last', async () => {
        for (const [order, names] of [
          [[{ field_name: 'name', ascending: false }], ['d', 'c', 'b', 'a']],
          [
            [{ field_name: 'model_type' }, { field_name: 'name' }],
            ['c', 'a', 'b', 'd'],
          ],
          [
            [{ field_name: 'model_type', ascending: false }, { field_name: 'name' }],
            ['a', 'c', 'b', 'd'],
          ],
          [[{ field_name: 'metrics.auc' }], ['a', 'b', 'c', 'd']],
          [[{ field_name: 'metrics.auc', ascending: false }], ['b', 'a', 'c', 'd']],
          [
            [
              { field_name: 'metrics.auc', ascending: false, dataset_name: 'test' },
              { field_name: 'name', ascending: false },
            ],
            ['a', 'b', 'd', 'c'],
          ],
          [
            [{ field_name: 'experiment_id' }, { field_name: 'model_id' }],
            ['a', 'b', 'c', 'd'],
          ],
          [
            [{ field_name: 'status_message' }, { field_name: 'creation_time' }, { field_name: 'model_id' }],
            ['a', 'b', 'c', 'd'],
          ],
        ] as const)
          assert.deepEqual((await search(where, '', { order })).names, names, JSON.stringify(order));
      });

      test('page by page, each model once, and a token belongs to its search', async () => {
        for (const order of [[], [{ field_name: 'metrics.auc' }], [{ field_name: 'model_type', ascending: false }]]) {
          const whole = await search(where, '', { order });
          const seen: string[] = [];
          let after: string | undefined;
          do {
            const page = await search(where, '', { order, limit: 1, ...(after === undefined ? {} : { after }) });
            seen.push(...page.names);
            after = page.next;
          } while (after !== undefined);
          assert.deepEqual(seen, whole.names);
        }
        const { next } = await search(where, '', { limit: 1 });
        assert.ok(next !== undefined);
        await assert.rejects(search(where, "name = 'a'", { after: next }), {
          code: 'INVALID_ARGUMENT',
          message: /belongs to another search/,
        });
        await assert.rejects(search(where, '', { after: 'x' }), { code: 'INVALID_ARGUMENT' });
      });
    });
  });
}
