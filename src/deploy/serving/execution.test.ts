import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { encodeModel, graphBuilder, tensor } from '#onnx';
import type { Feeds } from '#onnx';
import { Batcher } from './batcher.ts';
import { Execution } from './execution.ts';
import type { ExecutionDeps } from './execution.ts';
import { executionSettings } from './execution-settings.ts';
import { MemoryBudget } from './memory-budget.ts';
import type { ExecutionSpec } from '#contract';
import type { Lane } from './execution-settings.ts';

function doubling(): Uint8Array {
  const graph = graphBuilder({ name: 'doubling' });
  const x = graph.input('x', 'FLOAT', ['N', 1]);
  graph.output('y', 'FLOAT', ['N', 1], graph.op('Add', [x, x]));
  return encodeModel(graph);
}

const feeds = (value: number): Feeds => ({ x: tensor('FLOAT', [1, 1], Float32Array.of(value)) });

interface Watched extends AsyncDisposable {
  readonly execution: Execution;
  readonly budget: MemoryBudget;
  /** Lets time pass. */
  readonly pass: (ms: number) => void;
  /** Settles when nothing changes any more. */
  readonly settled: () => Promise<void>;
  readonly failures: unknown[];
  graph: Uint8Array | Error;
}

async function opened(spec: ExecutionSpec, lane: Lane = 'workers', cores = 2): Promise<Watched> {
  let nowMs = 0;
  const failures: unknown[] = [];
  const budget = new MemoryBudget();
  const watched = { graph: doubling() as Uint8Array | Error };
  const deps: ExecutionDeps = {
    settings: executionSettings([spec], cores),
    readGraph: async () => {
      if (watched.graph instanceof Error) throw watched.graph;
      return watched.graph;
    },
    elapsed: () => nowMs,
    cores: { running: 0 },
    budget,
  };
  const execution = await Execution.open(doubling(), lane, deps);
  let changed = Promise.withResolvers<void>();
  execution.events = {
    onSlots: () => {
      changed.resolve();
      changed = Promise.withResolvers();
    },
    onFailure: (error) => failures.push(error),
  };
  return Object.assign(watched, {
    execution,
    budget,
    failures,
    pass: (ms: number) => {
      nowMs += ms;
    },
    settled: async () => {
      while (!execution.isIdle) await changed.promise;
    },
    [Symbol.asyncDispose]: () => execution[Symbol.asyncDispose](),
  });
}

const answer = async ({ execution }: Watched, value: number): Promise<unknown> => (await execution.run(feeds(value), {})).y.data[0];

describe('the execution of a model', () => {
  test('brings one more worker while a request waits too long, up to its maximum, and ends those that were not needed', async () => {
    await using one = await opened({ workers: { min: 1, max: 3 }, waitMs: 10, idleMs: 1000, threads: 1 });
    const { execution } = one;
    assert.deepEqual([execution.workers, execution.slots], [1, 1]);
    execution.press(9);
    assert.ok(execution.isIdle);
    for (const expected of [2, 3, 3]) {
      execution.press(10);
      await one.settled();
      assert.deepEqual([execution.workers, execution.slots], [expected, expected]);
    }
    one.pass(1000);
    execution.relax(0);
    await one.settled();
    assert.equal(execution.workers, 1);
    assert.equal(await answer(one, 4), 8);
  });

  test('what a thread had when it died is answered by the next one, and nobody notices', async () => {
    const threads: Worker[] = [];
    const collect = (worker: Worker): void => void threads.push(worker);
    process.on('worker', collect);
    try {
      await using one = await opened({ workers: { min: 1, max: 1 }, threads: 1 });
      const { execution } = one;
      const batcher = new Batcher({
        run: (asked, options) => execution.run(asked, options),
        inputs: ['x'],
        slots: () => execution.slots,
        maxRows: () => 1,
        joinRequests: true,
        maxQueued: () => 100,
        elapsed: () => 0,
      });
      const asked = [1, 2, 3, 4, 5, 6].map((value) => batcher.submit(feeds(value), 1));
      threads[0].postMessage(null);
      assert.deepEqual(
        (await Promise.all(asked)).map(({ outputs }) => outputs.y.data[0]),
        [2, 4, 6, 8, 10, 12],
      );
      while (execution.restarts === 0) await new Promise((done) => setTimeout(done, 5));
      assert.deepEqual((await batcher.submit(feeds(7), 1)).outputs.y.data[0], 14);
    } finally {
      process.off('worker', collect);
    }
  });

  test('is put to sleep when nobody asks it, and wakes up when it is asked', async () => {
    for (const lane of ['inline', 'workers'] as const) {
      await using one = await opened({ workers: { min: 0, max: 2 }, idleMs: 1000 }, lane);
      const { execution, budget } = one;
      assert.ok(budget.used > 0);
      one.pass(999);
      execution.relax(0);
      assert.ok(!execution.isAsleep);
      one.pass(1);
      execution.relax(1);
      assert.ok(!execution.isAsleep, 'a request waits');
      execution.relax(0);
      await one.settled();
      assert.deepEqual([execution.isAsleep, execution.slots, execution.workers, budget.used, execution.lane], [true, 0, 0, 0, lane]);
      execution.press(0);
      await one.settled();
      assert.deepEqual([execution.isAsleep, execution.slots, execution.coldStarts], [false, 1, 1]);
      assert.equal(await answer(one, 3), 6);
    }
  });

  test('says why it cannot wake up, and does the next time', async () => {
    await using one = await opened({ workers: { min: 0 } });
    await one.execution.sleep();
    one.graph = new Error('the disk is gone');
    one.execution.press(0);
    await one.settled();
    assert.deepEqual(one.failures, [one.graph]);
    assert.ok(one.execution.isAsleep);
    one.graph = doubling();
    one.execution.press(0);
    await one.settled();
    assert.equal(await answer(one, 3), 6);
  });

  test('stays awake with a minimum of one worker', async () => {
    await using one = await opened({ workers: { min: 1 }, idleMs: 100 });
    one.pass(10_000);
    one.execution.relax(0);
    await one.settled();
    assert.deepEqual([one.execution.isAsleep, one.execution.workers], [false, 1]);
  });

  test('moves between the HTTP thread and workers; runs under way finish where they are', async () => {
    await using one = await opened({});
    const running = [1, 2].map((value) => answer(one, value));
    assert.ok(await one.execution.move('inline'));
    assert.deepEqual([one.execution.lane, one.execution.slots, one.execution.workers], ['inline', 1, 0]);
    assert.deepEqual(await Promise.all(running), [2, 4]);
    assert.equal(await answer(one, 5), 10);
    assert.ok(!(await one.execution.move('inline')));
    assert.ok(await one.execution.move('workers'));
    assert.equal(await answer(one, 6), 12);
  });

  test('keeps a worker with all cores for a lone request where that is faster, and brings single ones for a wave', async () => {
    await using one = await opened({ workers: { min: 1, max: 3 }, idleMs: 1000 });
    const { execution } = one;
    const times = [10, 5];
    await execution.widen(() => Promise.resolve(times.shift() ?? 0));
    await execution.rest();
    assert.deepEqual([execution.workers, execution.slots], [1, 1]);
    assert.equal(await answer(one, 2), 4);
    execution.press(50);
    await one.settled();
    assert.deepEqual([execution.workers, execution.slots], [3, 2]);
    assert.deepEqual(await Promise.all([1, 2, 3, 4].map((value) => answer(one, value))), [2, 4, 6, 8]);
    one.pass(1000);
    execution.relax(0);
    await one.settled();
    assert.deepEqual([execution.workers, execution.slots], [1, 1]);
    await execution.sleep();
    execution.press(0);
    await one.settled();
    assert.equal(await answer(one, 7), 14);
  });

  test('a lone request does not wait for a worker with all cores that died, while there are others', async () => {
    const threads: Worker[] = [];
    const collect = (worker: Worker): void => void threads.push(worker);
    process.on('worker', collect);
    try {
      await using one = await opened({ workers: { min: 3, max: 3 } });
      const { execution } = one;
      const times = [10, 5];
      await execution.widen(() => Promise.resolve(times.shift() ?? 0));
      await execution.rest();
      const ranOn = async (value: number): Promise<number | undefined> => {
        let thread: number | undefined;
        const { y } = await execution.run(feeds(value), { onRan: (run) => (thread = run.thread) });
        assert.equal(y.data[0], 2 * value);
        return thread;
      };
      const wide = await ranOn(1);
      const dying = threads.find(({ threadId }) => threadId === wide) ?? assert.fail('nobody ran it');
      const died = new Promise((done) => dying.once('exit', done));
      dying.postMessage(null);
      await died;
      const started = threads.length;
      const elsewhere = await ranOn(2);
      const isOlder = threads.slice(0, started).some(({ threadId }) => threadId === elsewhere);
      assert.ok(isOlder, `it waited for thread ${elsewhere}, which was started after the other died`);
    } finally {
      process.off('worker', collect);
    }
  });

  test('brings single ones too where requests keep meeting each other, however short they wait', async () => {
    await using one = await opened({ workers: { min: 1, max: 3 }, waitMs: 1000 });
    const { execution } = one;
    const times = [10, 5];
    await execution.widen(() => Promise.resolve(times.shift() ?? 0));
    await execution.rest();
    for (let run = 0; run < 100; run++) {
      // As many are alone as are not.
      await execution.run(feeds(run), {}, run % 2 === 0);
      execution.press(1);
    }
    await one.settled();
    assert.equal(execution.slots, 1);
    for (let run = 0; run < 16; run++) await execution.run(feeds(run), {}, false);
    execution.press(1);
    await one.settled();
    assert.equal(execution.slots, 2);
  });

  test('keeps none where it is not', async () => {
    await using one = await opened({});
    const times = [10, 9];
    await one.execution.widen(() => Promise.resolve(times.shift() ?? 0));
    assert.deepEqual([one.execution.workers, one.execution.slots], [1, 1]);
    assert.equal(await answer(one, 2), 4);
  });

  test('does not grow beyond the memory that models may take', async () => {
    await using one = await opened({ workers: { min: 1, max: 4 } });
    one.budget.limit = one.budget.used;
    one.execution.press(1000);
    await one.settled();
    assert.equal(one.execution.workers, 1);
  });
});
