import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seeded } from '#core';
import { Traffic } from './traffic.ts';

describe('the traffic of the last minute', () => {
  test('counts by second, and forgets what is older than a minute', () => {
    let nowMs = 5_000;
    const traffic = new Traffic(() => nowMs);
    traffic.note(1, false);
    traffic.note(1, true);
    nowMs = 30_000;
    traffic.note(1, false);
    const { requests, errors, perSecond, seconds } = traffic.figures();
    assert.deepEqual([requests, errors, perSecond, seconds.length], [3, 1, 3 / 60, 60]);
    assert.deepEqual(
      [seconds[59], seconds[34]],
      [
        { requests: 1, errors: 0 },
        { requests: 2, errors: 1 },
      ],
    );
    nowMs = 64_999;
    assert.equal(traffic.figures().requests, 3);
    nowMs = 65_000;
    assert.equal(traffic.figures().requests, 1);
    traffic.note(1, false);
    nowMs = 90_000;
    assert.deepEqual(traffic.figures().requests, 1);
  });

  test('knows percentiles within 10 %, and none of nothing', () => {
    const traffic = new Traffic(() => 1000);
    assert.equal(traffic.figures().p50Ms, undefined);
    const random = seeded(3);
    const sample = Array.from({ length: 5000 }, () => Math.exp(3 * random.next() - 1)).sort((one, other) => one - other);
    for (const ms of sample) traffic.note(ms, false);
    const { p50Ms = 0, p95Ms = 0, p99Ms = 0 } = traffic.figures();
    for (const [share, found] of [
      [0.5, p50Ms],
      [0.95, p95Ms],
      [0.99, p99Ms],
    ] as const) {
      const true_ = sample[Math.ceil(share * sample.length) - 1];
      assert.ok(found >= true_ && found <= true_ * 1.1 + 1e-9, `${found} for ${true_}`);
    }
    const extreme = new Traffic(() => 1000);
    for (const ms of [0, Number.NaN, 1e9]) extreme.note(ms, false);
    assert.equal(extreme.figures().requests, 3);
  });
});
