import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AnswerTotals, ModelVersion, Rollout, RolloutPlan } from '#contract';
import { GyreError, hasCode } from '#core';
import type { ErrorCode } from '#core';
import { olga, openBench, otto, person, type Bench, type StoreFixture } from '../testing.ts';

const stepMs = 60_000;
const canary: RolloutPlan = {
  strategy: 'canary',
  steps: [
    { weight: 0.1, forMs: stepMs },
    { weight: 0.5, forMs: stepMs },
  ],
  analysis: { minRequests: 50, maxErrorRateIncrease: 0.01, maxDistributionDistance: 0.25 },
  onFailure: 'rollback',
};
const shadow: RolloutPlan = { ...canary, strategy: 'shadow', steps: [{ weight: 0, shadow: 0.5, forMs: stepMs }] };
const platform = { identity: 'gyre', name: 'gyre' };

const refused = (code: ErrorCode, message: RegExp) => (error: unknown) => {
  assert.ok(hasCode(error, code), String(error));
  assert.match(error.message, message);
  return true;
};
/** A count as a data plane tells it. */
function counted(requests: number, { errors = 0, yes = 0.5, since = 1 } = {}): AnswerTotals {
  const said = requests - errors;
  const likely = Math.round(said * yes);
  return {
    since,
    requests,
    errors,
    latencies: { 20: requests },
    predictions: { kind: 'probability', bins: { 2: said - likely, 15: likely } },
  };
}

/** What rollouts promise on any store. */
export function rolloutContract(name: string, fixture: () => Promise<StoreFixture>, skip: string | false = false): void {
  describe(`rollouts on ${name}`, { skip }, () => {
    /** Version 1 is live in production, version 2 may go there. */
    const ready = async (plan = canary): Promise<Bench & { readonly one: ModelVersion; readonly two: ModelVersion }> => {
      const bench = await openBench(await fixture());
      const [one, two] = [bench.addVersion(1), bench.addVersion(2)];
      await bench.signedOff(one);
      await bench.release.roll({ environment: 'production', modelVersion: one.id, reason: 'first', by: otto });
      await bench.signedOff(two);
      bench.rolls['production'] = plan;
      return Object.assign(bench, { one, two });
    };
    const start = (bench: Bench, { id }: ModelVersion, by = otto): Promise<Rollout> =>
      bench.release.rollouts.start({ environment: 'production', modelVersion: id, reason: 'a better one', by });
    const served = ({ planes }: Bench): readonly (readonly [string, number])[] =>
      (planes.serving.get('production')?.manifest.models ?? []).map(({ version, weight }) => [version, Number(weight.toFixed(6))]);
    const answered = ({ planes }: Bench, stable: AnswerTotals, candidate: AnswerTotals): void => {
      planes.counted.set('mv-1', stable);
      planes.counted.set('mv-2', candidate);
    };
    const decision = ({ id }: Rollout) => ({ id, reason: 'I say so', by: otto });

    test('goes step by step while all is well, and the version becomes the champion at the end alone', async () => {
      await using bench = await ready();
      const { release, planes, clock, champions, one, two } = bench;
      answered(bench, counted(1000), counted(0));
      const begun = await start(bench, two);
      assert.deepEqual([begun.state, begun.step, begun.weight, begun.stable], ['running', 0, 0.1, one.id]);
      assert.deepEqual(served(bench), [
        ['1', 0.9],
        ['2', 0.1],
      ]);
      assert.deepEqual(planes.serving.get('production')?.manifest.route?.sticky, { salt: begun.id });
      answered(bench, counted(1900), counted(40));
      clock.advance(stepMs + 1);
      await release.rollouts.advance(platform);
      const waiting = await release.rollouts.get(begun.id);
      assert.equal(waiting.step, 0, 'few requests prove nothing, however long it lasts');
      assert.deepEqual([waiting.observed.stable.requests, waiting.observed.candidate.requests], [900, 40]);
      assert.ok(waiting.checks.some(({ name: check, state }) => check === 'requests' && state === 'waiting'));
      answered(bench, counted(2800), counted(100));
      await release.rollouts.advance(platform);
      assert.deepEqual(served(bench), [
        ['1', 0.5],
        ['2', 0.5],
      ]);
      const second = await release.rollouts.get(begun.id);
      assert.deepEqual([second.step, second.observed.candidate.requests], [1, 0], 'each step is judged by itself');
      assert.deepEqual(champions, [one.id]);
      answered(bench, counted(3200), counted(500));
      await release.rollouts.advance(platform);
      assert.equal((await release.rollouts.get(begun.id)).step, 1, 'its time is not over');
      clock.advance(stepMs);
      await release.rollouts.advance(platform);
      const done = await release.rollouts.get(begun.id);
      assert.deepEqual([done.state, done.weight, served(bench)], ['promoted', 1, [['2', 1]]]);
      assert.deepEqual(
        done.history.map(({ what, weight, by }) => [what, weight, by.name]),
        [
          ['step', 0.1, 'Otto'],
          ['step', 0.5, 'gyre'],
          ['promoted', 1, 'gyre'],
        ],
      );
      assert.deepEqual(champions, [one.id, two.id]);
      const [live, ...before] = await release.deployments({ environment: 'production' });
      assert.equal(live.approvals.length, 1, 'it stands on its own sign-offs');
      assert.deepEqual(
        before.map(({ state }) => state),
        ['superseded', 'superseded', 'superseded'],
      );
      const back = await release.rollBack({ environment: 'production', reason: 'complaints', by: otto });
      assert.equal(back.modelVersion, one.id, 'and the way back leads to what was live before');
    });

    test('ends where its version is revoked, also while it is paused, and gives way where that beside it is', async () => {
      await using bench = await ready();
      const { release, one, two } = bench;
      const zero = bench.addVersion(3);
      await bench.signedOff(zero);
      const { id } = await start(bench, two);
      await release.rollouts.pause({ id, reason: 'lunch', by: otto });
      const { environments } = await release.revoke({ modelVersion: two.id, reason: 'it leaks', by: olga });
      assert.deepEqual(
        environments.map(({ environment, outcome }) => [environment, outcome]),
        [['production', 'rolled_back']],
      );
      assert.deepEqual([(await release.rollouts.get(id)).state, served(bench)], ['rolled_back', [['1', 1]]]);
      await assert.rejects(start(bench, two), refused('FAILED_PRECONDITION', /was revoked by Olga/));

      // What is live is revoked while another comes beside it: the rollout ends, and there is no version to go back to.
      const other = await start(bench, zero);
      const second = await release.revoke({ modelVersion: one.id, reason: 'it leaks too', by: olga });
      assert.deepEqual(
        second.environments.map(({ outcome }) => outcome),
        ['still_served'],
      );
      assert.deepEqual([(await release.rollouts.get(other.id)).state, served(bench)], ['rolled_back', [['1', 1]]]);
      await release.roll({ environment: 'production', modelVersion: zero.id, reason: 'at once', by: otto, atOnce: true });
      assert.deepEqual(served(bench), [['3', 1]]);
    });

    test('takes a version back by itself once it is sure that it is worse, and what was live stays as it was', async () => {
      await using bench = await ready();
      const { release, clock, champions, one, two } = bench;
      answered(bench, counted(1000), counted(0));
      const { id } = await start(bench, two);
      answered(bench, counted(1100), counted(3, { errors: 1 }));
      clock.advance(1000);
      await release.rollouts.advance(platform);
      assert.equal((await release.rollouts.get(id)).state, 'running', 'one failure of three is no proof');
      answered(bench, counted(1800), counted(40, { errors: 15 }));
      await release.rollouts.advance(platform);
      const ended = await release.rollouts.get(id);
      assert.deepEqual([ended.state, ended.weight, served(bench)], ['rolled_back', 0, [['1', 1]]]);
      assert.match(ended.history.at(-1)?.why ?? '', /15 of 40 requests failed, 0 of 800 of the version that is live/);
      assert.deepEqual(champions, [one.id]);
      assert.deepEqual(
        (await bench.events('rollout.rolled_back')).map(({ modelVersion, to }) => [modelVersion, to]),
        [[two.id, one.id]],
      );
      await release.rollouts.advance(platform);
      assert.equal((await release.deployments({ environment: 'production' })).length, 3, 'what has ended is left alone');
    });

    test('pauses instead where the plan says so, and goes on from there with nothing observed', async () => {
      await using bench = await ready({ ...canary, onFailure: 'pause' });
      const { release, clock, two } = bench;
      answered(bench, counted(1000), counted(0));
      const { id } = await start(bench, two);
      answered(bench, counted(2000), counted(300, { yes: 0.95 }));
      await release.rollouts.advance(platform);
      const paused = await release.rollouts.get(id);
      assert.equal(paused.state, 'paused');
      assert.match(paused.history.at(-1)?.why ?? '', /prediction distribution: 300 predictions lie/);
      clock.advance(10 * stepMs);
      await release.rollouts.advance(platform);
      assert.equal(served(bench).length, 2, 'it keeps its share');
      const resumed = await release.rollouts.resume(decision(paused));
      assert.deepEqual([resumed.state, resumed.checks, resumed.observed.candidate.requests], ['running', [], 0]);
      await assert.rejects(release.rollouts.resume(decision(paused)), refused('FAILED_PRECONDITION', /is running/));
      assert.equal((await release.rollouts.pause(decision(paused))).state, 'paused');
      const promoted = await release.rollouts.promote(decision(paused));
      assert.deepEqual([promoted.state, promoted.history.at(-1)?.by, served(bench)], ['promoted', otto, [['2', 1]]]);
      await assert.rejects(release.rollouts.rollBack(decision(paused)), refused('FAILED_PRECONDITION', /was promoted at/));
    });

    test('a shadow answers nobody; what it says is compared', async () => {
      await using bench = await ready({ ...shadow, analysis: { minRequests: 50, maxDisagreement: 0.1 } });
      const { release, planes, clock, two } = bench;
      const { id } = await start(bench, two);
      assert.deepEqual(served(bench), [
        ['1', 1],
        ['2', 0],
      ]);
      assert.deepEqual(planes.serving.get('production')?.manifest.route?.shadows, [
        { model: { name: 'churn', version: '2' }, sample: 0.5 },
      ]);
      answered(bench, counted(100), { ...counted(10), different: 0 });
      await release.rollouts.advance(platform);
      answered(bench, counted(400), { ...counted(160), different: 60 });
      clock.advance(1000);
      await release.rollouts.advance(platform);
      const ended = await release.rollouts.get(id);
      assert.equal(ended.state, 'rolled_back');
      assert.match(ended.history.at(-1)?.why ?? '', /60 of 150 requests were answered otherwise/);
    });

    test('a gate that is taken back stops it at any moment, and nothing begins without all gates', async () => {
      await using bench = await ready();
      const { release, one, two } = bench;
      const three = bench.addVersion(3);
      await assert.rejects(
        start(bench, three),
        refused('FAILED_PRECONDITION', /rollout of churn version 3 to "production" refused: .*no application tests/),
      );
      assert.deepEqual(await release.rollouts.list(), []);
      const { id } = await start(bench, two);
      await release.approve({ modelVersion: two.id, environment: 'production', verdict: 'refused', statement: 'it leaks', by: olga });
      await assert.rejects(
        release.rollouts.promote(decision(await release.rollouts.get(id))),
        refused('FAILED_PRECONDITION', /promotion of churn version 2 to "production" refused: Olga refused/),
      );
      await release.rollouts.advance(platform);
      const ended = await release.rollouts.get(id);
      assert.deepEqual([ended.state, served(bench)], ['rolled_back', [['1', 1]]]);
      assert.match(ended.history.at(-1)?.why ?? '', /Olga refused churn version 2 for "production": it leaks/);
      assert.equal((await release.environments())[1].live?.modelVersion, one.id);
    });

    test('of two people one begins, and the other is told who did and when', async () => {
      await using bench = await ready();
      const { release, one, two } = bench;
      const three = bench.addVersion(3);
      await bench.signedOff(three);
      const results = await Promise.allSettled([start(bench, two), start(bench, three, person('Oda'))]);
      assert.deepEqual(
        results.map(({ status }) => status),
        ['fulfilled', 'rejected'],
      );
      assert.ok(results[1].status === 'rejected');
      assert.ok(refused('ABORTED', /a rollout to "production" \(.*\) is running, begun by Otto at 2026-01-05T10:/)(results[1].reason));
      const again = { environment: 'production', modelVersion: three.id, reason: 'mine', by: person('Oda') };
      await assert.rejects(release.roll({ ...again, atOnce: true }), refused('ABORTED', /begun by Otto at/));
      await assert.rejects(
        release.rollBack({ environment: 'production', generation: 1, reason: 'no', by: otto }),
        (error) => hasCode(error, 'ABORTED') || hasCode(error, 'FAILED_PRECONDITION'),
      );
      const back = await release.rollBack({ environment: 'production', reason: 'no', by: otto });
      assert.deepEqual([back.modelVersion, back.traffic], [one.id, undefined], 'a rollback while it runs takes it back');
      assert.equal((await release.rollouts.list())[0].state, 'rolled_back');
    });

    test('a release begins a rollout where the environment has a plan, but not the first one, nor when it is to be at once', async () => {
      await using bench = await ready();
      const { release, two } = bench;
      const live = await release.roll({ environment: 'production', modelVersion: two.id, reason: 'next', by: otto });
      assert.equal(live.traffic?.beside[0].modelVersion, two.id);
      const [rollout] = await release.rollouts.list({ environment: 'production', state: 'running' });
      assert.equal(live.traffic?.rollout, rollout.id);
      await release.rollouts.rollBack(decision(rollout));
      const atOnce = await release.roll({ environment: 'production', modelVersion: two.id, atOnce: true, reason: 'next', by: otto });
      assert.deepEqual([atOnce.modelVersion, atOnce.traffic], [two.id, undefined]);
      await assert.rejects(start(bench, two), refused('FAILED_PRECONDITION', /serves churn version 2 already/));
      await assert.rejects(
        release.rollouts.start({ environment: 'test', modelVersion: two.id, plan: canary, reason: 'x', by: otto }),
        refused('FAILED_PRECONDITION', /nothing is live in "test"/),
      );
    });

    test('versions that do not answer alike share no endpoint, and are told why', async () => {
      await using bench = await ready();
      const input = { name: 'age', type: 'number', datatype: 'FP64', required: true } as const;
      const other = bench.addVersion(3, {
        signature: { task: 'binary', inputs: [input], outputs: [], classes: ['No', 'Yes'] },
      });
      await bench.signedOff(other);
      await assert.rejects(
        start(bench, other),
        refused('FAILED_PRECONDITION', /churn version 3 and churn version 1 cannot share an endpoint: it asks for age \(FP64\) as well/),
      );
      const classes = bench.addVersion(4, { signature: { task: 'binary', inputs: [], outputs: [], classes: ['stays', 'goes'] } });
      await bench.signedOff(classes);
      await assert.rejects(start(bench, classes), refused('FAILED_PRECONDITION', /its classes are stays, goes, not No, Yes/));
      const rollout = await bench.release.rollouts.start({
        environment: 'production',
        modelVersion: classes.id,
        plan: shadow,
        reason: 'as a shadow it answers nobody',
        by: otto,
      });
      assert.equal(rollout.state, 'running');
    });

    test('what a dead process left goes on from the record, wherever it died', async () => {
      await using bench = await ready();
      const { fault, clock, planes, two } = bench;
      answered(bench, counted(1000), counted(0));
      // Between the data plane's swap and the record of it: nothing of the first step is on record but that it was to be.
      fault.failWrites = 1;
      await assert.rejects(start(bench, two), refused('UNAVAILABLE', /did not take a commit/));
      const [aborted] = await bench.release.rollouts.list();
      assert.deepEqual([aborted.state, served(bench)], ['aborted', [['1', 1]]]);
      const begun = await start(bench, two);
      answered(bench, counted(1900), counted(100));
      clock.advance(stepMs + 1);
      // The step up is swapped in and not recorded; then the process is gone.
      fault.failWrites = 1;
      const [problem] = await bench.release.rollouts.advance(platform);
      assert.match(problem.reason, /did not take a commit/);
      const next = bench.again();
      assert.deepEqual(await next.resume(otto), []);
      assert.deepEqual(served(bench), [
        ['1', 0.9],
        ['2', 0.1],
      ]);
      await next.rollouts.advance(platform);
      assert.deepEqual([(await next.rollouts.get(begun.id)).step, served(bench)[1]], [1, ['2', 0.5]]);
      // Its data plane began to count again, and the process is another once more: what was counted in the new one is all of this step.
      const last = bench.again();
      await last.resume(otto);
      answered(bench, counted(400, { since: 2 }), counted(400, { since: 2, errors: 200 }));
      planes.refusal = new GyreError('UNAVAILABLE', 'the data plane died');
      await last.rollouts.advance(platform);
      assert.equal((await last.rollouts.get(begun.id)).state, 'running', 'a way back that fails is tried again');
      planes.refusal = undefined;
      clock.advance(5_000);
      await last.rollouts.advance(platform);
      const ended = await last.rollouts.get(begun.id);
      assert.deepEqual([ended.state, served(bench)], ['rolled_back', [['1', 1]]]);
      assert.equal(ended.observed.candidate.errors, 200);
    });

    test('a data plane that tells nothing decides nothing, however long that lasts', async () => {
      await using bench = await ready();
      const { release, planes, clock, two } = bench;
      answered(bench, counted(1000), counted(0));
      const { id } = await start(bench, two);
      answered(bench, counted(1900), counted(100));
      await release.rollouts.advance(platform);
      assert.ok((await release.rollouts.get(id)).checks.every(({ state }) => state === 'passed'));
      planes.isSilent = true;
      clock.advance(100 * stepMs);
      await release.rollouts.advance(platform);
      assert.deepEqual([(await release.rollouts.get(id)).step, served(bench)[1]], [0, ['2', 0.1]]);
      planes.isSilent = false;
      await release.rollouts.advance(platform);
      assert.equal((await release.rollouts.get(id)).step, 1);
    });

    test('tokens that change in the middle change nothing else', async () => {
      await using bench = await ready();
      const { release, tokens, planes, two } = bench;
      const { id } = await start(bench, two);
      tokens.push('f'.repeat(64));
      await release.renewTokens(otto);
      assert.deepEqual(served(bench), [
        ['1', 0.9],
        ['2', 0.1],
      ]);
      const manifest = planes.serving.get('production')?.manifest;
      assert.deepEqual([manifest?.tokenHashes, manifest?.route?.sticky], [['f'.repeat(64)], { salt: id }]);
      await release.rollouts.rollBack(decision(await release.rollouts.get(id)));
      assert.deepEqual(served(bench), [['1', 1]]);
    });

    for (const [refusals, after] of [
      [2, 'goes on where it can'],
      [3, 'and thrice refused ends it, as soon as it can be taken back'],
    ] as const)
      test(`a step that the data plane refuses is tried again later: ${refusals} refusals`, async () => {
        await using bench = await ready();
        const { release, planes, clock, two } = bench;
        answered(bench, counted(1000), counted(0));
        const { id } = await start(bench, two);
        answered(bench, counted(1900), counted(100));
        clock.advance(stepMs + 1);
        planes.refusal = new GyreError('FAILED_PRECONDITION', 'no memory for another worker');
        for (let k = 0; k < refusals; k++) {
          await release.rollouts.advance(platform);
          clock.advance(10_000);
        }
        assert.deepEqual([(await release.rollouts.get(id)).step, (await release.rollouts.get(id)).state], [0, 'running']);
        if (refusals > 2) {
          // The way back is refused as well, and is tried for ever.
          await release.rollouts.advance(platform);
          assert.equal((await release.rollouts.get(id)).state, 'running');
          clock.advance(10_000);
        }
        planes.refusal = undefined;
        await release.rollouts.advance(platform);
        const { step, state, history } = await release.rollouts.get(id);
        assert.deepEqual([step, state], refusals === 2 ? [1, 'running'] : [0, 'rolled_back'], after);
        if (refusals > 2) assert.match(history.at(-1)?.why ?? '', /could not go on: .*no memory/);
      });

    test('is taken back when the data plane begins again and again: what ends a process is in no count of failures', async () => {
      await using bench = await ready();
      const { release, clock, two } = bench;
      answered(bench, counted(1000), counted(0));
      const { id } = await start(bench, two);
      for (const since of [2, 3, 4]) {
        assert.equal((await release.rollouts.get(id)).state, 'running');
        answered(bench, counted(100, { since }), counted(90, { since }));
        clock.advance(1000);
        await release.rollouts.advance(platform);
      }
      const ended = await release.rollouts.get(id);
      assert.equal(ended.state, 'rolled_back');
      assert.match(ended.history.at(-1)?.why ?? '', /the data plane began again 3 times/);
    });

    test('is taken back while it is paused, once somebody refuses what it was let through on', async () => {
      await using bench = await ready();
      const { release, two } = bench;
      const { id } = await start(bench, two);
      await release.rollouts.pause({ id, reason: 'lunch', by: otto });
      await release.rollouts.advance(platform);
      assert.equal((await release.rollouts.get(id)).state, 'paused');
      await release.approve({ modelVersion: two.id, environment: 'production', verdict: 'refused', statement: 'no', by: person('Oscar') });
      await release.rollouts.advance(platform);
      assert.deepEqual([(await release.rollouts.get(id)).state, served(bench)], ['rolled_back', [['1', 1]]]);
    });
  });
}
