import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ApplicationTestReport, ApplicationTestRun } from '#contract';
import { countingIds, GyreError, hasCode, manualClock } from '#core';
import { eventsMigrations, openEvents } from '#events';
import type { ReleaseDeps } from '../../port.ts';
import { quinn, type StoreFixture } from '../../testing.ts';
import type { TestProgress } from '../progress.ts';
import { releaseTestMigrations } from './migrations/index.ts';
import { openTestRuns, type TestRuns } from './test-runs.ts';

/** A report of which runs tell no more than its id and its verdict. */
const reportOf = (id: string): ApplicationTestReport => ({ id, passed: true, modelVersion: 'mv-1' }) as ApplicationTestReport;

/** What every store does for runs of application tests. */
export function testRunsContract(name: string, fixture: () => Promise<StoreFixture>, skip: string | false = false): void {
  describe(`runs of application tests on ${name}`, { skip }, () => {
    async function bench() {
      const place = await fixture();
      const store = await place.open();
      await store.migrate([eventsMigrations, releaseTestMigrations]);
      const clock = manualClock(Date.parse('2026-01-05T10:00:00Z'));
      const newId = countingIds('id');
      const events = openEvents({ store, clock, newId, source: '/gyre/test' });
      /** Each test that is under way, until it is let go. */
      const tests: { readonly progress: TestProgress; readonly end: PromiseWithResolvers<ApplicationTestReport> }[] = [];
      const open = (owner: string): TestRuns =>
        openTestRuns({ store, clock, newId, events, owner } as unknown as ReleaseDeps, {
          require: ({ environment }) =>
            environment === 'test'
              ? Promise.resolve('mv-1')
              : Promise.reject(new GyreError('FAILED_PRECONDITION', `"${environment}" serves no version`)),
          test: (_, progress) => {
            const end = Promise.withResolvers<ApplicationTestReport>();
            progress.signal.addEventListener('abort', () => end.reject(new GyreError('UNAVAILABLE', 'the load generator ended')));
            tests.push({ progress, end });
            return end.promise;
          },
          read: (id) => Promise.resolve(reportOf(id)),
        });
      return {
        runs: open('/data'),
        open,
        clock,
        begun: async (count: number) => {
          while (tests.length < count) await new Promise((resolve) => setImmediate(resolve));
          return tests[count - 1];
        },
        told: async () =>
          (await events.read({ after: 0 })).map(({ type, data }) => [type.split('.')[3], 'state' in data ? data.state : undefined]),
        [Symbol.asyncDispose]: async () => {
          await events[Symbol.asyncDispose]();
          await store[Symbol.asyncDispose]();
          await place[Symbol.asyncDispose]();
        },
      };
    }
    const outcome = ({ state, code, report }: ApplicationTestRun) => [state, code, report];

    test('go one after the other, say what they are at, and keep what came of them', async () => {
      await using house = await bench();
      const { runs, begun } = house;
      const first = await runs.start({ environment: 'test', profile: 'full', by: quinn });
      const second = await runs.start({ environment: 'test', by: quinn });
      assert.deepEqual([first.state, first.profile, second.profile, first.modelVersion], ['queued', 'full', 'quick', 'mv-1']);
      const { progress, end } = await begun(1);
      progress.at('soak');
      assert.deepEqual([(await runs.get(first.id)).stage, (await runs.get(second.id)).state], ['soak', 'queued']);
      house.clock.advance(60_000);
      end.resolve(reportOf('report-1'));
      assert.equal((await runs.report(first.id)).id, 'report-1');
      const ended = await runs.get(first.id);
      assert.deepEqual([...outcome(ended), ended.passed, ended.stage], ['finished', undefined, 'report-1', true, undefined]);
      assert.equal(Date.parse(ended.finishedAt ?? '') - Date.parse(ended.startedAt ?? ''), 60_000);
      (await begun(2)).end.reject(new GyreError('ABORTED', 'it was switched meanwhile'));
      await assert.rejects(runs.report(second.id), (error) => hasCode(error, 'ABORTED'));
      const failed = await runs.get(second.id);
      assert.deepEqual([...outcome(failed), failed.error], ['failed', 'ABORTED', undefined, 'it was switched meanwhile']);
      assert.deepEqual(
        (await runs.list()).map(({ id }) => id),
        [second.id, first.id],
      );
      assert.deepEqual((await house.told()).slice(-2), [
        ['ended', 'finished'],
        ['ended', 'failed'],
      ]);
    });

    test('that are stopped, waiting or under way, are cancelled, whatever their tests then say', async () => {
      await using house = await bench();
      const { runs } = house;
      const first = await runs.start({ environment: 'test', by: quinn });
      const waiting = await runs.start({ environment: 'test', by: quinn });
      await house.begun(1);
      assert.deepEqual(outcome(await runs.cancel(waiting.id)), ['cancelled', 'CANCELLED', undefined]);
      assert.equal((await runs.get(first.id)).state, 'running', 'one that waits is stopped at once');
      assert.deepEqual(outcome(await runs.cancel(first.id)), ['cancelled', 'CANCELLED', undefined]);
      const next = await runs.start({ environment: 'test', by: quinn });
      (await house.begun(2)).end.resolve(reportOf('report-2'));
      assert.equal((await runs.report(next.id)).id, 'report-2', 'the turn goes on to the next');
      await assert.rejects(runs.start({ environment: 'production', by: quinn }), (error) => hasCode(error, 'FAILED_PRECONDITION'));
      assert.equal((await runs.list()).length, 3, 'what cannot begin is no run');
    });

    test('that a dead process left have failed, those of another one go on', async () => {
      await using house = await bench();
      const dead = await house.runs.start({ environment: 'test', by: quinn });
      const queued = await house.runs.start({ environment: 'test', by: quinn });
      await house.begun(1);
      const beside = house.open('/elsewhere');
      const living = await beside.start({ environment: 'test', by: quinn });
      const again = house.open('/data');
      assert.equal(await again.endLeft(), 2);
      for (const { id } of [dead, queued]) assert.deepEqual(outcome(await again.get(id)), ['failed', 'ABORTED', undefined]);
      assert.ok(['queued', 'running'].includes((await again.get(living.id)).state));
      assert.equal(await again.endLeft(), 0);
      await beside[Symbol.asyncDispose]();
      assert.deepEqual(outcome(await again.get(living.id)), ['failed', 'ABORTED', undefined]);
      await house.runs[Symbol.asyncDispose]();
    });
  });
}
