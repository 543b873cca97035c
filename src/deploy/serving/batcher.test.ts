import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { GyreError, isGyreError } from '#core';
import { encodeModel, graphBuilder, openSession, tensor } from '#onnx';
import type { Feeds, Session } from '#onnx';
import { Batcher } from './batcher.ts';
import type { BatcherOptions, Ran } from './batcher.ts';

/** Looks each row's index up in a table of ten squares: an index from ten on makes the runtime fail. */
async function lookup(): Promise<Session> {
  const graph = graphBuilder({ name: 'lookup' });
  graph.input('index', 'INT64', ['N', 1]);
  graph.input('name', 'STRING', ['N', 1]);
  const table = graph.initializer(
    'table',
    tensor(
      'FLOAT',
      [10],
      Float32Array.from({ length: 10 }, (_, k) => k * k),
    ),
  );
  graph.output('square', 'FLOAT', ['N', 1], graph.op('Gather', [table, 'index']));
  graph.output('echo', 'STRING', ['N', 1], graph.op('Identity', ['name']));
  return openSession(encodeModel(graph));
}

const feeds = (...indexes: number[]): Feeds => ({
  index: tensor('INT64', [indexes.length, 1], BigInt64Array.from(indexes, BigInt)),
  name: tensor(
    'STRING',
    [indexes.length, 1],
    indexes.map((index) => `row ${index}`),
  ),
});
const squares = ({ outputs }: Ran): number[] => (outputs.square.type === 'FLOAT' ? Array.from(outputs.square.data) : []);
const names = ({ outputs }: Ran): readonly unknown[] => (outputs.echo.type === 'STRING' ? outputs.echo.data : []);

const codeOf = (reason: unknown): string => (isGyreError(reason) ? reason.code : String(reason));

interface Watched extends Disposable {
  readonly batcher: Batcher;
  readonly runs: [rows: number, requests: number][];
}

async function watched(changes: Partial<BatcherOptions> = {}): Promise<Watched> {
  const session = await lookup();
  const runs: [number, number][] = [];
  const batcher = new Batcher({
    run: (feeds, options) => session.run(feeds, options),
    inputs: session.inputs.map(({ name }) => name),
    slots: () => 1,
    maxRows: () => 8,
    joinRequests: true,
    maxQueued: () => 100,
    elapsed: () => performance.now(),
    onBatch: (rows, requests) => runs.push([rows, requests]),
    ...changes,
  });
  return { batcher, runs, [Symbol.dispose]: () => void session[Symbol.asyncDispose]() };
}

describe('micro-batching', () => {
  test('puts what is queued into one run, up to the cap, and gives everyone its own rows', async () => {
    using setup = await watched();
    const answers = await Promise.all(
      [feeds(1, 2, 3), feeds(4), feeds(5, 6), feeds(7, 8, 9)].map((each) => setup.batcher.submit(each, each.index.shape[0])),
    );
    assert.deepEqual(answers.map(squares), [[1, 4, 9], [16], [25, 36], [49, 64, 81]]);
    assert.deepEqual(answers.map(names), [['row 1', 'row 2', 'row 3'], ['row 4'], ['row 5', 'row 6'], ['row 7', 'row 8', 'row 9']]);
    assert.deepEqual(setup.runs, [
      [6, 3],
      [3, 1],
    ]);
    assert.deepEqual(answers[3].outputs.square.shape, [3, 1]);
  });

  test('shares what is queued evenly among the slots that are free, and cuts no request for that', async () => {
    using setup = await watched({ slots: () => 2 });
    await Promise.all([feeds(1), feeds(2), feeds(3), feeds(4)].map((each) => setup.batcher.submit(each, 1)));
    await setup.batcher.submit(feeds(1, 2, 3), 3);
    assert.deepEqual(setup.runs, [
      [2, 2],
      [2, 2],
      [3, 1],
    ]);
  });

  test('gives full runs ahead of time, and no others', async () => {
    const gate = Promise.withResolvers<void>();
    const session = await lookup();
    const begun: number[] = [];
    using setup = await watched({
      maxRows: () => 2,
      ahead: () => 1,
      run: async (given, options) => {
        begun.push(given.index.shape[0]);
        await gate.promise;
        return session.run(given, options);
      },
    });
    const answers = [1, 2, 3, 4, 5].map((index) => setup.batcher.submit(feeds(index), 1));
    await new Promise((done) => setImmediate(() => setImmediate(done)));
    assert.deepEqual(begun, [2, 2]);
    gate.resolve();
    assert.deepEqual((await Promise.all(answers)).map(squares), [[1], [4], [9], [16], [25]]);
    assert.deepEqual(begun, [2, 2, 1]);
    await session[Symbol.asyncDispose]();
  });

  test('says of a run whether it is for one request that nobody waits behind', async () => {
    const lone: boolean[] = [];
    const session = await lookup();
    using setup = await watched({
      maxRows: () => 1,
      run: (given, options, isLone) => {
        lone.push(isLone);
        return session.run(given, options);
      },
    });
    await Promise.all([setup.batcher.submit(feeds(1), 1), setup.batcher.submit(feeds(2), 1)]);
    assert.deepEqual(lone, [false, true]);
    await session[Symbol.asyncDispose]();
  });

  test('cuts a request larger than the cap into runs and puts its rows together in order', async () => {
    using setup = await watched({ slots: () => 3 });
    const indexes = Array.from({ length: 29 }, (_, k) => k % 10);
    const [large, small] = await Promise.all([setup.batcher.submit(feeds(...indexes), 29), setup.batcher.submit(feeds(3), 1)]);
    assert.deepEqual(
      squares(large),
      indexes.map((index) => index * index),
    );
    assert.deepEqual(large.outputs.echo.shape, [29, 1]);
    assert.deepEqual(squares(small), [9]);
    assert.ok(setup.runs.every(([rows]) => rows <= 8));
  });

  test('fails only the request whose values the model refuses', async () => {
    using setup = await watched();
    const settled = await Promise.allSettled([feeds(1), feeds(99), feeds(2)].map((each) => setup.batcher.submit(each, 1)));
    assert.deepEqual(
      settled.map((each) => (each.status === 'fulfilled' ? squares(each.value) : codeOf(each.reason))),
      [[1], 'INVALID_ARGUMENT', [4]],
    );
  });

  test('goes on after a request failed in the middle of its runs', async () => {
    using setup = await watched();
    const bad = Array.from({ length: 20 }, (_, k) => (k === 2 ? 50 : 1));
    await assert.rejects(setup.batcher.submit(feeds(...bad), 20), { code: 'INVALID_ARGUMENT' });
    assert.deepEqual(squares(await setup.batcher.submit(feeds(6), 1)), [36]);
    assert.equal(setup.batcher.queued, 0);
  });

  test('never joins requests of a model whose rows belong together', async () => {
    using setup = await watched({ joinRequests: false, maxRows: () => Number.POSITIVE_INFINITY });
    await Promise.all([feeds(1, 2), feeds(3)].map((each) => setup.batcher.submit(each, each.index.shape[0])));
    assert.deepEqual(setup.runs, [
      [2, 1],
      [1, 1],
    ]);
  });

  test('answers a request in time or not at all, whether it waits or runs; those after it are answered', async () => {
    const held = Promise.withResolvers<void>();
    const session = await lookup();
    using setup = await watched({ run: async (each) => (await held.promise, session.run(each)), maxRows: () => 1 });
    const running = setup.batcher.submit(feeds(1), 1, 1500);
    const waiting = setup.batcher.submit(feeds(2), 1, 1000);
    const patient = setup.batcher.submit(feeds(3), 1, 10_000);
    await assert.rejects(waiting, { code: 'DEADLINE_EXCEEDED', message: /within 1000 ms: then it waited for the model/ });
    await assert.rejects(running, { code: 'DEADLINE_EXCEEDED', message: /within 1500 ms: then the model ran/ });
    held.resolve();
    assert.deepEqual(squares(await patient), [9]);
    assert.ok((await patient).queuedMs >= 1000);
  });

  test('runs once more, one by one, what a worker took with it when it died; what kills a worker twice is answered UNAVAILABLE', async () => {
    const session = await lookup();
    const died = new GyreError('UNAVAILABLE', 'the worker thread that ran the model died');
    const tried: bigint[][] = [];
    const run: BatcherOptions['run'] = async (each) => {
      const indexes = each.index.type === 'INT64' ? Array.from(each.index.data) : [];
      tried.push(indexes);
      if (tried.length === 1 || indexes.includes(7n)) throw died;
      return session.run(each);
    };
    using setup = await watched({ run });
    const settled = await Promise.allSettled([2, 7, 4].map((index) => setup.batcher.submit(feeds(index), 1)));
    assert.deepEqual(
      settled.map((each) => (each.status === 'fulfilled' ? squares(each.value)[0] : codeOf(each.reason))),
      [4, 'UNAVAILABLE', 16],
    );
    assert.deepEqual(tried, [[2n, 7n, 4n], [2n], [7n], [4n]]);
    await session[Symbol.asyncDispose]();
  });

  test('waits for the slots of a model that is not loaded, saying so, and runs when there is one', async () => {
    let slots = 0;
    const pressed: number[] = [];
    using setup = await watched({ slots: () => slots, onWaiting: (waitedMs) => pressed.push(waitedMs) });
    const asked = [3, 4].map((index) => setup.batcher.submit(feeds(index), 1));
    setup.batcher.press();
    assert.equal(setup.runs.length, 0);
    assert.ok(pressed.length >= 2 && pressed.every((waitedMs) => waitedMs >= 0));
    slots = 1;
    setup.batcher.pump();
    assert.deepEqual((await Promise.all(asked)).map(squares), [[9], [16]]);
    assert.deepEqual(setup.runs, [[2, 2]]);
  });

  test('holds a run for more rows where it may, but not longer, and not when it is full', async () => {
    using patient = await watched({ maxDelayMs: 60_000, maxRows: () => 3 });
    const asked = [1, 2].map((index) => patient.batcher.submit(feeds(index), 1));
    await new Promise((done) => setTimeout(done, 20));
    assert.equal(patient.runs.length, 0);
    asked.push(patient.batcher.submit(feeds(3), 1));
    assert.deepEqual((await Promise.all(asked)).map(squares), [[1], [4], [9]]);
    assert.deepEqual(patient.runs, [[3, 3]]);
    using brief = await watched({ maxDelayMs: 30, maxRows: () => 8 });
    const { queuedMs } = await brief.batcher.submit(feeds(5), 1);
    assert.ok(queuedMs >= 29, `${queuedMs} ms`);
  });

  test('refuses a request when too many wait', async () => {
    using setup = await watched({ maxQueued: () => 2 });
    const settled = await Promise.allSettled([1, 2, 3].map((index) => setup.batcher.submit(feeds(index), 1)));
    assert.deepEqual(
      settled.map((each) => (each.status === 'fulfilled' ? squares(each.value)[0] : codeOf(each.reason))),
      [1, 4, 'RESOURCE_EXHAUSTED'],
    );
  });
});
