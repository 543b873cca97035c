import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { seeded } from '#core';
import { mean, standardDeviation } from '#stats';
import { generateLoad } from './open-loop.ts';
import { findSaturation } from './saturation.ts';

/** A machine whose time moves only when it sleeps: a request takes as long as its server says. */
function machine(serviceMs: (index: number, sentMs: number) => number) {
  let nowMs = 1000;
  const due: { readonly atMs: number; readonly wake: () => void }[] = [];
  const sentAt: number[] = [];
  const moveTo = async (untilMs: number): Promise<void> => {
    for (;;) {
      due.sort((left, right) => left.atMs - right.atMs);
      const next = due.at(0);
      if (next === undefined || next.atMs > untilMs) break;
      due.shift();
      nowMs = Math.max(nowMs, next.atMs);
      next.wake();
      await turn();
    }
    nowMs = Math.max(nowMs, untilMs);
  };
  return {
    sentAt,
    monotonicMs: () => nowMs,
    sleep: (ms: number) => moveTo(nowMs + ms),
    send: (index: number): Promise<string | undefined> => {
      sentAt.push(nowMs);
      return new Promise((resolve) => due.push({ atMs: nowMs + serviceMs(index, nowMs), wake: () => resolve(undefined) }));
    },
    /** Lets everything that is under way be answered. */
    finish: () => moveTo(Number.MAX_SAFE_INTEGER),
  };
}

describe('the load generator', () => {
  test('sends on schedule, whether or not earlier requests were answered', async () => {
    const { sentAt, monotonicMs, sleep, send, finish } = machine(() => 500);
    const running = generateLoad({ ratePerSecond: 100, durationMs: 200, send, monotonicMs, sleep });
    while (sentAt.length < 20) await turn();
    await finish();
    const figures = await running;
    assert.equal(figures.requests, 20);
    assert.deepEqual(
      sentAt,
      Array.from({ length: 20 }, (_, index) => 1000 + 10 * index),
    );
    assert.deepEqual([figures.p50Ms, figures.p99Ms, figures.maxMs, figures.errors], [500, 500, 500, 0]);
  });

  test('counts the wait behind a stalled server, which a client that waits its turn would leave out', async () => {
    // The client itself is stopped for 300 ms by the 11th request (a full socket, a long pause of the collector).
    let nowMs = 0;
    const figures = await generateLoad({
      ratePerSecond: 100,
      durationMs: 1000,
      monotonicMs: () => nowMs,
      sleep: async (ms) => {
        // Answers are seen before time goes on.
        await turn();
        nowMs += ms;
      },
      send: (index) => {
        nowMs += index === 10 ? 300 : 1;
        return Promise.resolve(undefined);
      },
    });
    assert.equal(figures.requests, 100);
    // 300 ms of schedule were missed: some thirty requests waited, the first almost all of it. Measured from when they were sent, all but one took 1 ms.
    assert.ok(figures.p95Ms > 200, `p95 ${figures.p95Ms}`);
    assert.ok(figures.p99Ms > 250, `p99 ${figures.p99Ms}`);
    assert.ok(figures.p50Ms <= 1, `p50 ${figures.p50Ms}`);
    // The generator says of itself that it was late.
    assert.ok(figures.lateP99Ms > 250, `late ${figures.lateP99Ms}`);
  });

  test('counts answers that are bad and requests that are cut off as errors', async () => {
    let nowMs = 0;
    const figures = await generateLoad({
      ratePerSecond: 10,
      durationMs: 1000,
      monotonicMs: () => nowMs,
      sleep: (ms) => {
        nowMs += ms;
        return Promise.resolve();
      },
      send: (index) => (index === 0 ? Promise.reject(new Error('cut off')) : Promise.resolve(index % 5 === 4 ? 'status 503' : undefined)),
    });
    assert.deepEqual([figures.requests, figures.errors, figures.failures], [10, 3, { 'cut off': 1, 'status 503': 2 }]);
  });

  test('says that requests wait longer and longer where more is offered than is served', async () => {
    const offered = async (ratePerSecond: number): Promise<number> => {
      let freeMs = 0;
      const { sentAt, monotonicMs, sleep, send, finish } = machine((_, sentMs) => {
        freeMs = Math.max(freeMs, sentMs) + 10;
        return freeMs - sentMs;
      });
      const running = generateLoad({ ratePerSecond, durationMs: 1000, send, monotonicMs, sleep });
      while (sentAt.length < ratePerSecond) await turn();
      await finish();
      return (await running).backlog;
    };
    assert.equal(await offered(50), 0);
    // Of 200 a second 100 are served: after a second half of them still wait, the last for a second.
    assert.ok(Math.abs((await offered(200)) - 1) < 0.1);
  });

  test('finds what a server bears, by the lines that form before it', async () => {
    // One request at a time, 5 ms each: 200 a second.
    const offer = async (ratePerSecond: number) => {
      let freeMs = 0;
      const { sentAt, monotonicMs, sleep, send, finish } = machine((_, sentMs) => {
        freeMs = Math.max(freeMs, sentMs) + 5;
        return freeMs - sentMs;
      });
      const durationMs = 1500;
      const running = generateLoad({ ratePerSecond, durationMs, send, monotonicMs, sleep });
      while (sentAt.length < Math.round((ratePerSecond * durationMs) / 1000)) await turn();
      await finish();
      return running;
    };
    const { sustainedPerSecond = 0, brokenPerSecond = 0 } = await findSaturation({
      offer,
      startPerSecond: 25,
      mostPerSecond: 2000,
      latencyP99Ms: 10_000,
    });
    // Above, by no more than the backlog that counts as none.
    assert.ok(sustainedPerSecond > 200 / 1.1 && sustainedPerSecond <= 206, `${sustainedPerSecond}`);
    assert.ok(brokenPerSecond > sustainedPerSecond && brokenPerSecond / sustainedPerSecond <= 1.1, `${brokenPerSecond}`);
  });

  test('lets a request be late that leaves later than it was sent', async () => {
    let nowMs = 0;
    const figures = await generateLoad({
      ratePerSecond: 10,
      durationMs: 1000,
      monotonicMs: () => nowMs,
      sleep: (ms) => {
        nowMs += ms;
        return Promise.resolve();
      },
      send: (_, leaves) => {
        nowMs += 40;
        leaves();
        return Promise.resolve(undefined);
      },
    });
    assert.equal(figures.lateP99Ms, 40);
  });

  test('lets Poisson arrivals come as independent clients do: the gaps are as far apart as their mean', async () => {
    let nowMs = 0;
    const sentAt: number[] = [];
    await generateLoad({
      ratePerSecond: 100,
      durationMs: 20_000,
      arrivals: 'poisson',
      random: seeded(4),
      monotonicMs: () => nowMs,
      sleep: (ms) => {
        nowMs += ms;
        return Promise.resolve();
      },
      send: () => {
        sentAt.push(nowMs);
        return Promise.resolve(undefined);
      },
    });
    const gaps = sentAt.slice(1).map((at, place) => at - sentAt[place]);
    // Of an exponential distribution mean and standard deviation are both 10 ms here; of 2,000 gaps they are within 6 % (3 standard errors).
    assert.ok(Math.abs(mean(gaps) - 10) < 0.7, `mean ${mean(gaps)}`);
    assert.ok(Math.abs(standardDeviation(gaps) - 10) < 1, `spread ${standardDeviation(gaps)}`);
  });

  test('reports percentiles by nearest rank and the rate that was answered', async () => {
    const { sentAt, monotonicMs, sleep, send, finish } = machine((index) => index + 1);
    const running = generateLoad({ ratePerSecond: 1000, durationMs: 100, send, monotonicMs, sleep });
    while (sentAt.length < 100) await turn();
    await finish();
    const figures = await running;
    assert.deepEqual([figures.p50Ms, figures.p95Ms, figures.p99Ms, figures.maxMs], [50, 95, 99, 100]);
    // The last of 100 requests left at 99 ms and took 100.
    assert.ok(Math.abs(figures.durationMs - 199) < 1e-9);
    assert.ok(Math.abs(figures.ratePerSecond - 100_000 / 199) < 1e-9);
  });
});
