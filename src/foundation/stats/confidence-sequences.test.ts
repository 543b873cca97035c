import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hasCode, seeded } from '#core';
import { proportionSequence } from './index.ts';

describe('a confidence sequence of a proportion', () => {
  test('agrees with borders that were found by SciPy', () => {
    // scipy.optimize.brentq on betaln(.5 + s, .5 + n - s) - betaln(.5, .5) - s ln p - (n - s) ln(1 - p) = ln 20 (SciPy 1.17.1)
    const wanted = [
      [0, 10, 0.95, 0, 0.3769873509906773],
      [3, 50, 0.95, 0.004311840169514795, 0.2268416740477018],
      [120, 200, 0.95, 0.47913083634284986, 0.7131772265216035],
      [2, 2000, 0.99, 4.889683585851007e-6, 0.007293026762093022],
      [5, 5, 0.99, 0.30076002816830677, 1],
    ] as const;
    for (const [successes, trials, confidence, low, high] of wanted) {
      const found = proportionSequence(successes, trials, confidence);
      assert.ok(
        Math.abs(found.low - low) < 1e-9 && Math.abs(found.high - high) < 1e-9,
        `${successes} of ${trials}: ${JSON.stringify(found)}`,
      );
    }
  });

  test('leaves the truth at any of many looks no more often than it says', () => {
    const random = seeded(11);
    const truth = 0.05;
    const runs = 300;
    let [left, leftFixed] = [0, 0];
    for (let run = 0; run < runs; run++) {
      let [successes, out, outFixed] = [0, false, false];
      for (let n = 1; n <= 1000; n++) {
        if (random.next() < truth) successes++;
        if (n % 10 !== 0) continue;
        const { low, high } = proportionSequence(successes, n, 0.9);
        out ||= truth < low || truth > high;
        // What a test for one look says at each of them.
        outFixed ||= Math.abs(successes / n - truth) > 1.645 * Math.sqrt((truth * (1 - truth)) / n);
      }
      if (out) left++;
      if (outFixed) leftFixed++;
    }
    // 0.1 and four standard errors of 300 runs.
    assert.ok(left / runs <= 0.17, `${left} of ${runs}`);
    assert.ok(leftFixed / runs > 0.4, `looking often misleads an interval for one look: ${leftFixed} of ${runs}`);
  });

  test('knows nothing before the first trial, and takes no impossible count', () => {
    assert.deepEqual(proportionSequence(0, 0, 0.95), { low: 0, high: 1 });
    assert.throws(
      () => proportionSequence(3, 2, 0.95),
      (error) => hasCode(error, 'INVALID_ARGUMENT'),
    );
  });
});
