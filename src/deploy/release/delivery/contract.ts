import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ModelVersion } from '#contract';
import { isGyreError } from '#core';
import { openBench, otto, type StoreFixture } from '../testing.ts';

const minute = 60_000;
const day = 1440 * minute;

/** What delivery metrics promise on any store. */
export function deliveryContract(name: string, fixture: () => Promise<StoreFixture>, skip: string | false = false): void {
  describe(`delivery metrics on ${name}`, { skip }, () => {
    test('tell of releases, of rollbacks and of rollouts that were taken back, with the wait of each stage', async () => {
      await using bench = await openBench(await fixture());
      const { release, clock } = bench;
      const roll = ({ id }: ModelVersion) => release.roll({ environment: 'production', modelVersion: id, reason: 'better', by: otto });
      const [one, two, three] = [bench.addVersion(1), bench.addVersion(2), bench.addVersion(3)];
      for (const version of [one, two, three]) await bench.signedOff(version);
      const began = clock.now();
      await roll(one);
      clock.advance(2 * day);
      await roll(two);
      clock.advance(30 * minute);
      await release.rollBack({ environment: 'production', reason: 'complaints', by: otto });
      clock.advance(day);
      bench.rolls['production'] = {
        strategy: 'canary',
        steps: [{ weight: 0.1, forMs: minute }],
        analysis: { minRequests: 50 },
        onFailure: 'rollback',
      };
      const { id } = await release.rollouts.start({ environment: 'production', modelVersion: three.id, reason: 'try', by: otto });
      clock.advance(10 * minute);
      await release.rollouts.rollBack({ id, reason: 'slow', by: otto });
      clock.advance(1);

      const metrics = await release.delivery({ environment: 'production' });
      assert.deepEqual(
        metrics.latest.map(({ version, failed, restoreMs }) => [version, failed, restoreMs]),
        [
          [3, true, 10 * minute],
          [2, true, 30 * minute],
          [1, false, undefined],
        ],
      );
      assert.deepEqual([metrics.changes, metrics.failures, metrics.restoreMs], [3, 2, 20 * minute]);
      const [, second, first] = metrics.latest;
      // Tested, certified and approved one second after the other version, then released.
      assert.deepEqual(first.stages.release, began - Date.parse((await release.approvals(one.id))[0].approvedAt));
      assert.equal(second.stages.certify, 0);
      assert.equal((second.leadTimeMs ?? 0) - (first.leadTimeMs ?? 0), 2 * day);
      assert.equal(
        Object.values(second.stages).reduce((sum, stage) => sum + stage, 0),
        second.leadTimeMs,
      );
      assert.ok(metrics.stages.every(({ changes }) => changes === 2));

      const earlier = await release.delivery({ environment: 'production', from: began - day, to: began + day });
      assert.deepEqual([earlier.changes, earlier.failures, earlier.perWeek], [1, 0, 3.5]);
      assert.equal((await release.delivery({ environment: 'test' })).changes, 0);
      await assert.rejects(release.delivery({ environment: 'moon' }), (error) => isGyreError(error) && error.code === 'NOT_FOUND');
    });
  });
}
