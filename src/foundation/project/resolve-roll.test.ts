import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { resolveRoll } from './resolve-roll.ts';

describe('how versions come to an environment', () => {
  const analysis = { minRequests: 100, maxErrorRateIncrease: 0.01, maxLatencyFactor: 3, maxDistributionDistance: 0.25 };

  test('shares alone are a canary of ten minutes each, and all of the traffic is what comes after', () => {
    assert.deepEqual(resolveRoll(['5%', 0.25, '100%']), {
      strategy: 'canary',
      steps: [
        { weight: 0.05, forMs: 600_000 },
        { weight: 0.25, forMs: 600_000 },
      ],
      analysis,
      onFailure: 'rollback',
    });
  });

  test('what is said replaces one default and leaves the others', () => {
    assert.deepEqual(
      resolveRoll({
        strategy: 'canary',
        steps: [{ weight: '2.5 %', for: '90s' }],
        sticky: 'x-customer',
        analysis: { maxErrorRate: 0.02, minRequests: 20 },
        onFailure: 'pause',
      }),
      {
        strategy: 'canary',
        steps: [{ weight: 0.025, forMs: 90_000 }],
        sticky: 'x-customer',
        analysis: { ...analysis, maxErrorRate: 0.02, minRequests: 20 },
        onFailure: 'pause',
      },
    );
    assert.deepEqual(resolveRoll({ strategy: 'shadow', for: '1h', sample: '10%' })?.steps, [{ weight: 0, shadow: 0.1, forMs: 3_600_000 }]);
  });

  test('nothing, all of it, and a single step of all of it are at once', () => {
    for (const roll of [undefined, { strategy: 'all' as const }, ['100%'], [1]]) assert.equal(resolveRoll(roll), undefined);
  });
});
