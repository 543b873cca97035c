import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { hasCode, isGyreError } from '#core';
import { encodeModel, graphBuilder, openSession, openSessionPool, tensor } from './index.ts';
import type { SessionPool, SessionPoolOptions, Tensor } from './index.ts';

/** Numbers that look random and are the same each time (a linear congruential generator). */
function numbers(count: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  });
}

function layers(width: number, depth: number): Uint8Array {
  const graph = graphBuilder({ name: 'layers' });
  let value = graph.input('x', 'FLOAT', ['N', width]);
  graph.input('s', 'STRING', ['N']);
  for (let layer = 0; layer < depth; layer++) {
    const weights = graph.initializer('w', tensor('FLOAT', [width, width], numbers(width * width, layer)));
    value = graph.op('Tanh', [graph.op('MatMul', [value, weights])]);
  }
  graph.output('y', 'FLOAT', ['N', width], value);
  graph.output('same', 'STRING', ['N'], 's');
  return encodeModel(graph);
}

const request = (rows: number, seed: number): Record<string, Tensor> => ({
  x: tensor('FLOAT', [rows, 8], numbers(rows * 8, seed)),
  s: tensor(
    'STRING',
    [rows],
    Array.from({ length: rows }, (_, row) => `row ${row} of ${seed}`),
  ),
});

/** `OK`, or the code of the error with which a run ended. */
function outcome(result: PromiseSettledResult<unknown>): string {
  if (result.status === 'fulfilled') return 'OK';
  return isGyreError(result.reason) ? result.reason.code : String(result.reason);
}

/**
 * Makes a thread die of an uncaught error, after the runs that it has in its mailbox already. Not by `terminate()`: stopping a thread
 * inside the native runtime aborts the whole process.
 */
const kill = (thread: Worker): void => thread.postMessage(null);

/** Opens a pool and collects the threads that are started while `use` runs, so that a test can kill one. */
async function withPool(
  options: SessionPoolOptions & { model?: Uint8Array },
  use: (pool: SessionPool, threads: readonly Worker[]) => Promise<void>,
): Promise<void> {
  const threads: Worker[] = [];
  const collect = (worker: Worker): void => void threads.push(worker);
  process.on('worker', collect);
  try {
    await using pool = await openSessionPool(options.model ?? layers(8, 2), options);
    await use(pool, threads);
  } finally {
    process.off('worker', collect);
  }
}

describe('a session pool', () => {
  test('answers with the same bytes as an inline session, with 1 worker and with 3', async () => {
    const requests = Array.from({ length: 30 }, (_, index) => request(1 + (index % 7), index));
    await using inline = await openSession(layers(8, 2));
    const expected = await Promise.all(requests.map((feeds) => inline.run(feeds)));
    for (const workers of [1, 3]) {
      await withPool({ workers }, async (pool) => {
        assert.equal(pool.workers, workers);
        assert.deepEqual(pool.inputs, inline.inputs);
        assert.deepEqual(await Promise.all(requests.map((feeds) => pool.run(feeds))), expected);
      });
    }
  });

  test('leaves the arrays of the caller alone, and takes them only when told', async () => {
    await withPool({ workers: 1 }, async (pool) => {
      const shared = numbers(32, 1);
      const x = tensor('FLOAT', [2, 8], shared.subarray(8, 24));
      const { s } = request(2, 1);
      const copied = await pool.run({ x, s });
      assert.equal(shared.length, 32);
      assert.equal(copied['y'].data.length, 16);
      const whole = tensor('FLOAT', [2, 8], shared.slice(8, 24));
      assert.deepEqual(await pool.run({ x: whole, s }, { transfer: true }), copied);
      assert.equal(whole.data.length, 0);
      assert.deepEqual(await pool.run({ x, s }, { transfer: true }), copied);
      assert.equal(shared.length, 32);
    });
  });

  test('refuses bad feeds with the input named, and goes on', async () => {
    await withPool({ workers: 1 }, async (pool) => {
      const good = request(1, 1);
      await assert.rejects(
        pool.run({ x: good['x'] }),
        (error) => hasCode(error, 'INVALID_ARGUMENT') && /"s" is missing/.test(error.message),
      );
      await assert.rejects(pool.run(good, { outputs: ['z'] }), /no output "z"/);
      assert.equal((await pool.run(good, { outputs: ['same'] }))['same'].data[0], 'row 0 of 1');
    });
  });

  test('hands on what the model says to values that it cannot take', async () => {
    const graph = graphBuilder({ name: 'g' });
    graph.input('x', 'STRING', ['N', 1]);
    const to = { attributes: { to: { type: 'INT', value: 11 } as const } };
    graph.output('y', 'DOUBLE', ['N', 1], graph.op('Cast', ['x'], to));
    await withPool({ workers: 1, model: encodeModel(graph) }, async (pool) => {
      await assert.rejects(
        pool.run({ x: tensor('STRING', [1, 1], ['abc']) }),
        (error) => hasCode(error, 'INVALID_ARGUMENT') && /Cast_0/.test(error.message),
      );
      assert.deepEqual((await pool.run({ x: tensor('STRING', [1, 1], ['2.5']) }))['y'], tensor('DOUBLE', [1, 1], Float64Array.of(2.5)));
    });
  });

  test('starts a dead thread again, answers UNAVAILABLE to its runs and keeps the others', async () => {
    await withPool({ workers: 1 }, async (pool, threads) => {
      const expected = await pool.run(request(2, 5));
      const runs = Array.from({ length: 6 }, () => pool.run(request(2, 5)));
      const settled = Promise.allSettled(runs);
      kill(threads[0]);
      const results = await settled;
      const lost = results.filter((result) => result.status === 'rejected');
      for (const result of lost) assert.ok(hasCode(result.reason, 'UNAVAILABLE'));
      for (const result of results) if (result.status === 'fulfilled') assert.deepEqual(result.value, expected);
      // The thread had two of them at most; those that were waiting in the pool are answered by the next thread.
      assert.ok(lost.length >= 1 && lost.length <= 2, `${lost.length} runs were lost`);
      assert.equal(pool.restarts, 1);
      assert.equal(threads.length, 2);
      assert.deepEqual(await pool.run(request(2, 5)), expected);
    });
  });

  test('gives a thread nothing beside a run that is to be alone, and lets nobody overtake it', async () => {
    await withPool({ workers: 2 }, async (pool) => {
      const ran: [string, number][] = [];
      const run = (name: string, alone = false): Promise<unknown> =>
        pool.run(request(2, 5), { alone, onRan: ({ thread }) => ran.push([name, thread]) });
      await Promise.all([run('first', true), run('beside'), run('behind'), run('last', true), run('after')]);
      const threadOf = (name: string): number | undefined => ran.find(([one]) => one === name)?.[1];
      assert.notEqual(threadOf('beside'), threadOf('first'));
      // The other thread was idle, and was not given it.
      assert.equal(threadOf('behind'), threadOf('beside'));
      assert.equal(ran.length, 5);
    });
  });

  test('keeps answering while one of its threads is dead', async () => {
    await withPool({ workers: 2 }, async (pool, threads) => {
      const exit = new Promise((done) => threads[1].once('exit', done));
      kill(threads[1]);
      await exit;
      const expected = await pool.run(request(2, 5));
      assert.deepEqual(await Promise.all(Array.from({ length: 8 }, () => pool.run(request(2, 5)))), Array(8).fill(expected));
    });
  });

  test('grows and shrinks while it answers, and holds runs while it has no thread', async () => {
    await withPool({ workers: 1 }, async (pool, threads) => {
      const expected = await pool.run(request(2, 5));
      const all = (count: number): Promise<unknown[]> => Promise.all(Array.from({ length: count }, () => pool.run(request(2, 5))));
      const during = all(20);
      await pool.resize(3);
      assert.deepEqual([pool.workers, pool.ready, threads.length], [3, 3, 3]);
      assert.deepEqual(await during, Array(20).fill(expected));
      const shrinking = all(20);
      await pool.resize(1);
      assert.deepEqual([pool.workers, pool.ready], [1, 1]);
      assert.deepEqual(await shrinking, Array(20).fill(expected));
      await pool.resize(0);
      assert.equal(pool.ready, 0);
      const waiting = pool.run(request(2, 5));
      await pool.resize(1);
      assert.deepEqual(await waiting, expected);
      assert.equal(pool.restarts, 0);
      assert.ok(pool.workerBytes >= layers(8, 2).byteLength);
    });
  });

  test('a thread that is dismissed while it loads is missed by nobody', async () => {
    await withPool({ workers: 1 }, async (pool) => {
      const growing = pool.resize(2);
      const shrinking = pool.resize(1);
      await Promise.all([growing, shrinking]);
      assert.deepEqual([pool.workers, pool.ready, pool.restarts], [1, 1, 0]);
      assert.ok(await pool.run(request(1, 1)));
    });
  });

  test('refuses an execution provider that is not there, with the reason', async () => {
    const refused = (error: unknown): boolean => hasCode(error, 'FAILED_PRECONDITION') && /"cuda" cannot be used here/.test(error.message);
    await assert.rejects(openSession(layers(8, 2), { provider: 'cuda' }), refused);
    await assert.rejects(openSessionPool(layers(8, 2), { workers: 1, provider: 'cuda' }), refused);
  });

  test('answers RESOURCE_EXHAUSTED when too many runs wait', async () => {
    await withPool({ workers: 1, maxQueued: 3 }, async (pool) => {
      const results = await Promise.allSettled(Array.from({ length: 8 }, () => pool.run(request(1, 1))));
      const codes = results.map(outcome);
      assert.equal(codes.join(' '), `${'OK '.repeat(5)}${'RESOURCE_EXHAUSTED '.repeat(3)}`.trim());
    });
  });

  test('finishes what its threads have begun when it is closed, and answers UNAVAILABLE to the rest', async () => {
    const pool = await openSessionPool(layers(8, 2), { workers: 1 });
    const settled = Promise.allSettled(Array.from({ length: 4 }, () => pool.run(request(1, 1))));
    await pool[Symbol.asyncDispose]();
    const codes = (await settled).map(outcome);
    assert.deepEqual(codes, ['OK', 'OK', 'UNAVAILABLE', 'UNAVAILABLE']);
    await assert.rejects(pool.run(request(1, 1)), (error) => hasCode(error, 'UNAVAILABLE'));
    await pool[Symbol.asyncDispose]();
  });

  test('refuses a model that does not load, and a pool of no number of workers', async () => {
    const graph = graphBuilder({ name: 'g' });
    graph.input('x', 'FLOAT', ['N']);
    graph.output('y', 'FLOAT', ['N'], graph.op('Frobnicate', ['x']));
    const before = process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length;
    await assert.rejects(
      openSessionPool(encodeModel(graph), { workers: 2 }),
      (error) => hasCode(error, 'INVALID_ARGUMENT') && /Frobnicate/.test(error.message),
    );
    assert.equal(process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length, before);
    for (const workers of [-1, 1.5, Number.NaN])
      await assert.rejects(openSessionPool(layers(8, 1), { workers }), { code: 'INVALID_ARGUMENT', message: /use 0 or more/ });
  });
});
