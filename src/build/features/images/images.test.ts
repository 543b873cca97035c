import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openFsBlobs } from '#blobs';
import type { BlobStore } from '#blobs';
import type { EventTypes, TransformStep } from '#contract';
import { GyreError, asSha256, countingIds, hasCode, manualClock, sha256 } from '#core';
import { eventsMigrations, openEvents } from '#events';
import type { Events } from '#events';
import { decodeImage, resizeRaster } from '#images';
import { attr, encodeModel, graphBuilder, openSession, tensor } from '#onnx';
import { openStore } from '#store';
import type { Store } from '#store';
import { createFrame, numberColumn, textColumn } from '#tables';
import type { Frame } from '#tables';
import { openFeatures } from '../features.ts';
import { featuresMigrations } from '../migrations/index.ts';
import type { Features } from '../port.ts';

const by = { identity: 'ada', name: 'Ada' };
const names = ['hat', 'shirt', 'shoes'] as const;
const photo = (name: (typeof names)[number]): Uint8Array =>
  new Uint8Array(readFileSync(join(import.meta.dirname, '../../../foundation/images/fixtures', `${name}.jpg`)));

/** Gives the mean of each plane, twice; beside it a classifier that nobody asks for. */
function backbone(): Uint8Array {
  const graph = graphBuilder({ name: 'means' });
  graph.input('input', 'FLOAT', ['N', 3, 8, 10]);
  const pooled = graph.op('Flatten', [graph.op('GlobalAveragePool', ['input'])], { attributes: { axis: attr.int(1) } });
  const twice = graph.op('Concat', [pooled, pooled], { attributes: { axis: attr.int(1) } });
  const weights = graph.initializer('classifier', tensor('FLOAT', [6, 1000], new Float32Array(6000).fill(1)));
  graph.output('features', 'FLOAT', ['N', 6], twice);
  graph.output('logits', 'FLOAT', ['N', 1000], graph.op('MatMul', [twice, weights]));
  return encodeModel(graph);
}

const spec: TransformStep = {
  of: 'clothes',
  target: 'label',
  transform: { image: { backbone: 'means.onnx', width: 10, height: 8, fit: 'stretch', mean: 100, std: [2, 4, 8] } },
};

/** Rows as a folder of images has them. */
const rowsOf = (photos: readonly (typeof names)[number][], readable = photos.map(() => 1)): Frame =>
  createFrame([
    { name: 'path', column: textColumn(photos.map((name) => `${name}.jpg`)) },
    { name: 'label', column: textColumn(photos.map((name) => (name === 'hat' ? 'head' : 'body'))) },
    { name: 'sha256', column: textColumn(photos.map((name) => sha256(photo(name)))) },
    { name: 'readable', type: 'boolean', column: numberColumn(Float64Array.from(readable)) },
    { name: 'problem', column: textColumn(photos.map(() => 'none')) },
  ]);

describe('a transform of pictures', () => {
  let folder = '';
  let store: Store;
  let blobs: BlobStore;
  let events: Events<EventTypes>;
  const frames = new Map([['v1', rowsOf(['hat', 'shirt', 'shoes', 'hat'])]]);
  const open = (workers: number): Features => {
    const data = {
      open: async (version: string): Promise<Frame> => {
        const frame = frames.get(version);
        if (frame === undefined) throw new GyreError('NOT_FOUND', `no version ${version}`);
        return frame;
      },
    };
    return openFeatures({ store, blobs, events, clock: manualClock(0), newId: countingIds('transform'), data, workers });
  };
  const fit = (features: Features, changes: Partial<Parameters<Features['fit']>[0]> = {}) =>
    features.fit({ name: 'see', spec, train: [{ version: 'v1', weight: 1 }], backbone: backbone(), by, ...changes });
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-image-features-'));
    store = await openStore({ url: 'sqlite::memory:' });
    await store.migrate([eventsMigrations, featuresMigrations]);
    blobs = await openFsBlobs({ dir: folder });
    events = openEvents({ store, clock: manualClock(0), newId: countingIds('event'), source: '/test' });
    for (const name of names) await blobs.put(photo(name));
  });
  after(async () => {
    await events[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  test('gives what the network gives for the pixels that image/1 makes, scaled channel by channel', async () => {
    await using features = open(2);
    const transform = await fit(features);
    const frame = rowsOf(['shoes', 'hat']);
    const { rows, columns, values } = await features.apply(transform, frame);
    assert.deepEqual([rows, columns], [2, 6]);
    for (const [row, name] of (['shoes', 'hat'] as const).entries()) {
      const { data } = resizeRaster(await decodeImage(photo(name)), { width: 10, height: 8, fit: 'stretch' });
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0;
        for (let pixel = 0; pixel < 80; pixel++) sum += (data[pixel * 3 + channel] - 100) / [2, 4, 8][channel];
        // The network sums in float32: 1e-4 of values up to 80 is some of its steps.
        assert.ok(Math.abs(values[row * 6 + channel] - sum / 80) < 1e-4, `${name}, channel ${channel}`);
      }
    }
    assert.deepEqual(await features.target(transform, frame), Float64Array.of(0, 1));
  });

  test('is one graph from pixels to features, without what of the network is not needed', async () => {
    await using features = open(1);
    const transform = await fit(features);
    assert.deepEqual(transform.inputs[0].image, {
      function: 'image/1',
      width: 10,
      height: 8,
      fit: 'stretch',
      kernel: 'bilinear',
      channels: 'RGB',
      layout: 'NHWC',
      datatype: 'UINT8',
    });
    const { graph, features: value } = await features.graphOf(transform);
    const bytes = encodeModel(graph, { outputs: [{ name: 'f', type: 'FLOAT', shape: ['N', 6], value }] });
    assert.ok(bytes.byteLength < 4000, `the classifier has 24,000 bytes; the graph has ${bytes.byteLength}`);
    await using session = await openSession(bytes);
    const frame = rowsOf(['hat', 'shirt', 'shoes']);
    const { f } = await session.run(await features.feeds(transform, frame));
    const { values } = await features.apply(transform, frame);
    assert.ok(f.type === 'FLOAT' && f.data.every((one, at) => Math.abs(one - values[at]) < 1e-4));
  });

  test('computes each picture once, and the same bytes on any number of threads', async () => {
    await using one = open(1);
    const transform = await fit(one);
    const frame = rowsOf([...names, ...names]);
    const first = await one.apply(transform, frame);
    // Without the pictures there is nothing to compute from.
    for (const name of names) await blobs.delete(asSha256(sha256(photo(name))));
    assert.deepEqual((await one.apply(transform, frame)).values, first.values);
    for (const name of names) await blobs.put(photo(name));
    await using three = open(3);
    const refitted = await three.refit(transform, {
      frame: rowsOf(['hat', 'shirt', 'shoes', 'hat']),
      weights: new Float64Array(4).fill(1),
    });
    assert.equal(refitted.digest, transform.digest);
    const anew = await refitted.matrix(frame);
    assert.deepEqual(anew.values, first.values);
  });

  test('refuses pictures that cannot be decoded, rows of other kinds, and a network that does not fit', async () => {
    await using features = open(1);
    const transform = await fit(features);
    const refused = (work: Promise<unknown>, message: RegExp): Promise<void> =>
      assert.rejects(work, (error) => hasCode(error, 'INVALID_ARGUMENT') && message.test(error.message));
    await refused(features.apply(transform, rowsOf(['hat', 'shirt'], [1, 0])), /1 of 2 rows have no picture .* row 1 \(shirt\.jpg/);
    await refused(features.apply(transform, createFrame([{ name: 'label', column: textColumn(['head']) }])), /no column "sha256"/);
    const image = { backbone: 'means.onnx', width: 10, height: 9 };
    await refused(fit(features, { spec: { ...spec, transform: { image } } }), /\[N, 3, 9, 10\] is wanted/);
    const output = { backbone: 'means.onnx', width: 10, height: 8, output: 'none' };
    await refused(fit(features, { spec: { ...spec, transform: { image: output } } }), /no output "none"; it has "features", "logits"/);
    const { backbone: _, ...without } = { name: 'see', spec, train: [{ version: 'v1', weight: 1 }], by, backbone: undefined };
    await refused(features.fit(without), /needs the bytes of its network/);
  });
});
