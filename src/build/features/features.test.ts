import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openFsBlobs } from '#blobs';
import type { BlobStore } from '#blobs';
import type { EventTypes, TransformStep } from '#contract';
import { GyreError, asSha256, countingIds, manualClock, sha256 } from '#core';
import { eventsMigrations, openEvents } from '#events';
import type { Events } from '#events';
import { encodeModel } from '#onnx';
import { openStore } from '#store';
import type { Store } from '#store';
import { concatRows, createFrame, numberColumn, textColumn } from '#tables';
import type { Frame } from '#tables';
import { openFeatures } from './features.ts';
import { featuresMigrations } from './migrations/index.ts';
import type { Features } from './port.ts';

const by = { identity: 'ada', name: 'Ada' };
const spec: TransformStep = {
  of: 'people',
  target: 'left',
  transform: { categorical: { encode: 'target' }, numeric: { scale: 'standard' } },
};
const table = (rows: number, shift: number): Frame =>
  createFrame([
    { name: 'age', column: numberColumn(Float64Array.from({ length: rows }, (_, at) => at + shift)) },
    { name: 'plan', column: textColumn(Array.from({ length: rows }, (_, at) => 'abc'[at % 3])) },
    { name: 'left', column: textColumn(Array.from({ length: rows }, (_, at) => (at % 2 === 0 ? 'yes' : 'no'))) },
  ]);

describe('the features room', () => {
  const frames = new Map([
    ['v1', table(30, 0)],
    ['v2', table(12, 100)],
  ]);
  let folder: string;
  let store: Store;
  let blobs: BlobStore;
  let events: Events<EventTypes>;
  let features: Features;
  const data = {
    open: async (version: string): Promise<Frame> => {
      const frame = frames.get(version);
      if (frame === undefined) throw new GyreError('NOT_FOUND', `no version ${version}`);
      return frame;
    },
  };
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-features-'));
    const clock = manualClock(0);
    store = await openStore({ url: 'sqlite::memory:' });
    await store.migrate([eventsMigrations, featuresMigrations]);
    blobs = await openFsBlobs({ dir: folder });
    events = openEvents({ store, clock, newId: countingIds('event'), source: '/test' });
    features = openFeatures({ store, blobs, events, clock, newId: countingIds('transform'), data });
  });
  after(async () => {
    await features[Symbol.asyncDispose]();
    await events[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  test('keeps a transform once: record, graph, description and event', async () => {
    const first = await features.fit({ name: 'prepare', spec, train: [{ version: 'v1', weight: 1 }], by });
    const again = await features.fit({ name: 'other name', spec, train: [{ version: 'v1', weight: 1 }], frame: table(30, 0), by });
    assert.deepEqual(again, first);
    assert.deepEqual(await features.get(first.digest), first);
    assert.deepEqual(await features.get(first.id), first);
    assert.equal(sha256(await blobs.read(asSha256(first.graph))), first.graph);
    const told = await events.read({ subject: first.id });
    assert.deepEqual(
      told.map(({ data: facts }) => facts),
      [{ id: first.id, digest: first.digest, dataset: 'v1', features: 2 }],
    );
    assert.deepEqual(await features.specOf(first), { spec });
    assert.deepEqual(await features.trainedOn(first.id), [{ version: 'v1', weight: 1 }]);
  });

  test('fits on the rows of all versions, one after the other, with their weights', async () => {
    const both = await features.fit({
      name: 'both',
      spec,
      train: [
        { version: 'v1', weight: 1 },
        { version: 'v2', weight: 3 },
      ],
      by,
    });
    assert.equal(both.fittedOn, 'v1');
    assert.deepEqual(
      both.inputs.map(({ name, range, categories }) => range ?? [name, categories]),
      [
        [0, 111],
        ['plan', ['a', 'b', 'c']],
      ],
    );
    const rows = concatRows([table(30, 0), table(12, 100)]);
    const matrix = await features.apply(both, rows, { forTraining: true });
    assert.deepEqual([matrix.rows, matrix.names], [42, ['age', 'target_mean(plan)']]);
    await assert.rejects(
      features.fit({ name: 'x', spec, train: [{ version: 'v1', weight: 0 }], by }),
      /weight 0 of version v1 must be above 0/,
    );
    await assert.rejects(features.fit({ name: 'x', spec, train: [], by }), /at least one dataset version/);
  });

  test('gives targets as class indexes, and refuses a class that training never saw', async () => {
    const { digest } = await features.fit({ name: 'prepare', spec, train: [{ version: 'v1', weight: 1 }], by });
    assert.deepEqual(await features.target(digest, table(3, 0)), Float64Array.of(1, 0, 1));
    const odd = createFrame([{ name: 'left', column: textColumn(['no', 'perhaps']) }]);
    await assert.rejects(features.target(digest, odd), {
      code: 'INVALID_ARGUMENT',
      message: /row 1 has the class "perhaps" in "left", which training never saw; the classes are "no", "yes"/,
    });
  });

  test('builds the very graph again that was kept, for learners to append to', async () => {
    const kept = await features.fit({ name: 'prepare', spec, train: [{ version: 'v1', weight: 1 }], by });
    const { graph, features: value } = await features.graphOf(kept);
    const bytes = encodeModel(graph, { outputs: [{ name: 'features', type: 'FLOAT', shape: ['N', 2], value }] });
    assert.equal(sha256(bytes), kept.graph);
  });

  test('lists transforms page by page, newest first, and says what there is when a name is wrong', async () => {
    const page = await features.list({ limit: 1 });
    assert.deepEqual(
      page.items.map(({ name }) => name),
      ['both'],
    );
    const rest = await features.list({ limit: 1, ...(page.next === undefined ? {} : { after: page.next }) });
    assert.deepEqual([rest.items.map(({ name }) => name), rest.next], [['prepare'], undefined]);
    assert.equal((await features.list({ name: 'prepare' })).items.length, 1);
    await assert.rejects(features.get('nope'), { code: 'NOT_FOUND', message: /no transform "nope": .* the newest are both \(/ });
  });

  test('keeps working when more graphs are in use than it holds at hand', async () => {
    const fitted = await Promise.all(
      Array.from({ length: 12 }, (_, at) =>
        features.fit({
          name: `t${at}`,
          spec: { ...spec, transform: { numeric: { impute: { constant: at } } } },
          train: [{ version: 'v1', weight: 1 }],
          by,
        }),
      ),
    );
    const hole = createFrame([
      { name: 'age', column: numberColumn(Float64Array.of(NaN)) },
      { name: 'plan', column: textColumn(['a']) },
    ]);
    for (let round = 0; round < 2; round++) {
      const found = await Promise.all(fitted.map(async (one) => (await features.apply(one, hole)).values[0]));
      assert.deepEqual(
        found,
        Array.from({ length: 12 }, (_, at) => at),
      );
    }
  });
});
