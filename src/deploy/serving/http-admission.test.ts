import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hasCode } from '#core';
import { createMetrics } from '#telemetry';
import { Admission } from './http-admission.ts';
import { planeMetrics } from './plane-metrics.ts';

type Limits = ConstructorParameters<typeof Admission>[0]['manifest']['limits'];

function opened(limits: Partial<Limits>, tokenHashes: readonly string[] = []) {
  const metrics = createMetrics();
  const plane = {
    manifest: { limits: { maxBodyBytes: 1, maxRows: 1, ...limits }, tokenHashes: [...tokenHashes] },
    counts: planeMetrics(metrics),
    nowMs: 1000,
    elapsed: () => plane.nowMs,
  };
  return { plane, metrics, admission: new Admission(plane) };
}

const refused = (ask: () => unknown): { readonly code: string; readonly retryAfterMs: number } => {
  try {
    ask();
  } catch (error) {
    if (hasCode(error, 'RESOURCE_EXHAUSTED') || hasCode(error, 'UNAVAILABLE'))
      return { code: error.code, retryAfterMs: Number(error.details['retryAfterMs']) };
    throw error;
  }
  return assert.fail('it was let in');
};

describe('admission', () => {
  test('lets each token ask at its rate, and says when the next request is due', () => {
    const { plane, admission, metrics } = opened({ rate: { perSecond: 4, burst: 3 } }, ['a', 'b']);
    for (let k = 0; k < 3; k++) admission.take('a');
    assert.deepEqual(
      refused(() => admission.take('a')),
      { code: 'RESOURCE_EXHAUSTED', retryAfterMs: 250 },
    );
    admission.take('b');
    plane.nowMs += 100;
    assert.equal(Math.round(refused(() => admission.take('a')).retryAfterMs), 150);
    plane.nowMs += 150;
    admission.take('a');
    refused(() => admission.take('a'));
    plane.nowMs += 3_600_000;
    for (let k = 0; k < 3; k++) admission.take('a');
    refused(() => admission.take('a'));
    assert.match(metrics.expose(), /gyre_requests_dropped_total\{reason="rate"\} 4\n/);
  });

  test('keeps what a token has left when other tokens come and go', () => {
    const [one, two, three] = ['1', '2', '3'].map((digit) => digit.repeat(64));
    const { plane, admission } = opened({ rate: { perSecond: 1, burst: 2 } }, [two, three]);
    for (const token of [two, three]) for (let k = 0; k < 2; k++) admission.take(token);
    plane.manifest.tokenHashes = [one, two, three];
    for (const token of [two, three]) refused(() => admission.take(token));
    admission.take(one);
  });

  test('without a rate or a bound lets everybody in', () => {
    const { admission } = opened({});
    for (let k = 0; k < 10_000; k++) admission.take('');
    for (let k = 0; k < 1000; k++) admission.enter();
    assert.equal(admission.inside, 1000);
  });

  test('bounds what is inside at the same time, and tells the others to wait as long as those inside will take', () => {
    const { plane, admission } = opened({ maxConcurrent: 8 });
    // Two a second, for long.
    for (let k = 0; k < 100; k++) {
      admission.enter()[Symbol.dispose]();
      plane.nowMs += 500;
    }
    const inside = Array.from({ length: 8 }, () => admission.enter());
    const { code, retryAfterMs } = refused(() => admission.enter());
    assert.equal(code, 'UNAVAILABLE');
    // 8 inside at 2 a second are 4 seconds; the memory of 5 seconds sees the rate within a tenth, and seconds are rounded up.
    assert.ok(retryAfterMs === 4000 || retryAfterMs === 5000, `${retryAfterMs} ms`);
    inside[0][Symbol.dispose]();
    inside[0][Symbol.dispose]();
    admission.enter();
    refused(() => admission.enter());
    plane.nowMs += 600_000;
    assert.equal(refused(() => admission.enter()).retryAfterMs, 30_000);
  });

  test('takes up the limits of the manifest that is served now', () => {
    const { plane, admission } = opened({ rate: { perSecond: 1 } });
    admission.take('');
    refused(() => admission.take(''));
    plane.manifest.limits = { maxBodyBytes: 1, maxRows: 1 };
    admission.take('');
    plane.manifest.limits = { maxBodyBytes: 1, maxRows: 1, rate: { perSecond: 1000, burst: 2 } };
    plane.nowMs += 1000;
    admission.take('');
    admission.take('');
    refused(() => admission.take(''));
  });
});
