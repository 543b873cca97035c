import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { checkProject, problemText } from './index.ts';
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

  test('a rollout that is asked for otherwise is held to what its environment says', () => {
    const usual = resolveRoll({ strategy: 'shadow', sticky: 'x-customer', analysis: { maxErrorRate: 0.1 }, onFailure: 'pause' });
    const asked = resolveRoll({ strategy: 'canary', steps: [{ weight: 0.5 }], analysis: { minRequests: 7 } }, usual);
    assert.deepEqual(asked, {
      strategy: 'canary',
      steps: [{ weight: 0.5, forMs: 600_000 }],
      sticky: 'x-customer',
      analysis: { ...analysis, maxErrorRate: 0.1, minRequests: 7 },
      onFailure: 'pause',
    });
  });

  test('a step that takes traffic away is refused, where it stands', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gyre-roll-'));
    try {
      await writeFile(join(folder, 'rows.csv'), 'id\n1\n');
      for (const [roll, problem] of [
        ['[25%, 5%]', /gyre.yaml:5:\d+ release.environments.production.roll\[1\]: 5% comes after 25%; each step has a larger share/],
        ['{ strategy: canary, steps: [{ weight: 0.5 }, { weight: 50% }] }', /roll.steps\[1\].weight: 50% comes after 0.5/],
      ] as const) {
        const text = [
          'project: small',
          'charter: { problem: p, owner: o, success: { accuracy: ">= 0.5" } }',
          'data: { rows: { source: rows.csv, key: id } }',
          'steps: { show: { run: ls } }',
          `release: { environments: { test: {}, production: { roll: ${roll} } } }`,
        ];
        await writeFile(join(folder, 'gyre.yaml'), text.join('\n'));
        const { problems } = await checkProject(folder);
        assert.match(problems.map(problemText).join('\n'), problem);
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('nothing, all of it, and a single step of all of it are at once', () => {
    for (const roll of [undefined, { strategy: 'all' as const }, ['100%'], [1]]) assert.equal(resolveRoll(roll), undefined);
  });
});
