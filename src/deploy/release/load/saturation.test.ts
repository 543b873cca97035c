import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { LoadMeasured } from './open-loop.ts';
import { findSaturation } from './saturation.ts';

/** Of a server that serves so many a second, one after the other, each in its turn (M/D/1). */
function served(capacityPerSecond: number) {
  const asked: number[] = [];
  const offer = (ratePerSecond: number): Promise<LoadMeasured> => {
    asked.push(ratePerSecond);
    const serviceMs = 1000 / capacityPerSecond;
    const load = ratePerSecond / capacityPerSecond;
    const p99Ms = load < 1 ? serviceMs * (1 + (2.3 * load) / (1 - load)) : 1000 * (load - 1) + serviceMs;
    return Promise.resolve({
      requests: Math.round(ratePerSecond),
      errors: 0,
      durationMs: 1000,
      ratePerSecond: Math.min(ratePerSecond, capacityPerSecond),
      p50Ms: serviceMs,
      p95Ms: p99Ms,
      p99Ms,
      maxMs: p99Ms,
      failures: {},
      lateP99Ms: 0.5,
      backlog: Math.max(0, load - 1),
    });
  };
  return { asked, offer };
}

describe('the saturation point', () => {
  for (const capacity of [37, 500, 4200]) {
    test(`of a server of ${capacity} a second is found within 10 %`, async () => {
      const { offer, asked } = served(capacity);
      const found = await findSaturation({ offer, startPerSecond: 10, mostPerSecond: 20_000, latencyP99Ms: 1e6 });
      const { sustainedPerSecond = 0, brokenPerSecond = 0 } = found;
      assert.ok(sustainedPerSecond > capacity / 1.1 && sustainedPerSecond <= capacity * 1.03, `${sustainedPerSecond}`);
      assert.ok(brokenPerSecond > capacity && brokenPerSecond / sustainedPerSecond <= 1.1, `${brokenPerSecond}`);
      assert.deepEqual(
        found.points.map(({ offeredPerSecond }) => offeredPerSecond),
        asked,
      );
      assert.ok(found.points.some(({ broken }) => broken === 'requests wait longer and longer'));
    });
  }

  test('is where the target of latency is missed, when that comes first', async () => {
    const found = await findSaturation({ offer: served(100).offer, startPerSecond: 10, mostPerSecond: 1000, latencyP99Ms: 50 });
    // 10 ms each; 50 ms are reached at a load of 0.635.
    assert.ok((found.sustainedPerSecond ?? 0) > 55 && (found.sustainedPerSecond ?? 0) < 64, JSON.stringify(found));
    assert.match(found.points.find(({ broken }) => broken !== undefined)?.broken ?? '', /^p99 .* ms is above 50 ms$/);
  });

  test('is told as beyond what is offered, or below anything that is worth offering', async () => {
    const high = await findSaturation({ offer: served(1e9).offer, startPerSecond: 100, mostPerSecond: 700, latencyP99Ms: 10 });
    assert.deepEqual([high.sustainedPerSecond, high.brokenPerSecond, high.points.length], [700, undefined, 4]);
    const low = await findSaturation({ offer: served(3).offer, startPerSecond: 100, mostPerSecond: 700, latencyP99Ms: 10 });
    assert.deepEqual([low.sustainedPerSecond, low.brokenPerSecond, low.points.length], [undefined, 100 / 64, 7]);
  });

  test('is looked for below where the first rate is too much already', async () => {
    const { offer, asked } = served(37);
    const found = await findSaturation({ offer, startPerSecond: 100, mostPerSecond: 700, latencyP99Ms: 1e6 });
    assert.deepEqual(asked.slice(0, 3), [100, 50, 25]);
    const { sustainedPerSecond = 0, brokenPerSecond = 0 } = found;
    assert.ok(sustainedPerSecond > 37 / 1.1 && sustainedPerSecond <= 37 * 1.03, `${sustainedPerSecond}`);
    assert.ok(brokenPerSecond / sustainedPerSecond <= 1.1);
  });

  for (const { capacity, wanted, name } of [
    { capacity: 510, wanted: 500, name: 'between two rates of the search, and borne' },
    { capacity: 450, wanted: 500, name: 'between two rates of the search, and too much' },
    { capacity: 50, wanted: 500, name: 'far beyond what is borne' },
    { capacity: 510, wanted: 60, name: 'below where the search begins' },
    { capacity: 1e9, wanted: 700, name: 'the most that is offered' },
  ]) {
    test(`of a rate that is asked for is told at that very rate: ${name}`, async () => {
      const { offer, asked } = served(capacity);
      const found = await findSaturation({ offer, startPerSecond: 100, mostPerSecond: 700, askedPerSecond: wanted, latencyP99Ms: 1e6 });
      assert.equal(asked.filter((rate) => rate === wanted).length, 1);
      assert.equal(found.asked?.offeredPerSecond, wanted);
      assert.equal(found.asked.broken === undefined, wanted <= capacity);
      assert.ok((found.sustainedPerSecond ?? 0) >= wanted === wanted <= capacity, JSON.stringify(found));
      assert.ok((found.brokenPerSecond ?? Number.POSITIVE_INFINITY) > (found.sustainedPerSecond ?? 0));
      // What the server may have left undone of far too many requests comes after all else.
      if (wanted > 2 * capacity) assert.equal(asked.at(-1), wanted);
    });
  }

  test('is where the first request fails, and says with what', async () => {
    const found = await findSaturation({
      offer: async (rate) => ({ ...(await served(1e9).offer(rate)), ...(rate > 150 ? { errors: 2, failures: { 'status 503': 2 } } : {}) }),
      startPerSecond: 100,
      mostPerSecond: 1000,
      latencyP99Ms: 1e6,
    });
    assert.ok((found.sustainedPerSecond ?? 0) > 130 && (found.sustainedPerSecond ?? 0) <= 150);
    assert.equal(found.points[1].broken, '2 of 200 requests failed: status 503');
  });
});
