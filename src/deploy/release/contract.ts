import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Actor, ApplicationTestReport, Deployment, ModelVersion } from '#contract';
import { GyreError, hasCode } from '#core';
import type { Tx } from '#store';
import { insertDeployment } from './release-store.ts';
import { ada, olga, openBench, otto, person, quinn, type StoreFixture } from './testing.ts';

const refused =
  (code: 'FAILED_PRECONDITION' | 'PERMISSION_DENIED' | 'ABORTED' | 'UNAVAILABLE' | 'NOT_FOUND', message: RegExp) => (error: unknown) => {
    assert.ok(hasCode(error, code), String(error));
    assert.match(error.message, message);
    return true;
  };

/** What the room promises on any store. */
export function releaseContract(name: string, fixture: () => Promise<StoreFixture>, skip: string | false = false): void {
  const to = (environment: string, { id }: ModelVersion, reason = 'because') => ({ environment, modelVersion: id, reason, by: otto });

  describe(`releases on ${name}`, { skip }, () => {
    test('a version goes from the test environment to production, each step on record', async () => {
      await using bench = await openBench(await fixture());
      const { release, planes, champions } = bench;
      const version = bench.addVersion(1);
      const first = await release.roll(to('test', version));
      assert.deepEqual([first.state, first.generation, first.approvals], ['live', 1, []]);
      await bench.signedOff(version);
      assert.deepEqual((await release.readiness(version.id, 'production')).missing, []);
      const live = await release.roll(to('production', version, 'the pilot begins'));
      const [certification] = await release.certifications(version.id);
      const [approval] = await release.approvals(version.id);
      assert.deepEqual(
        [live.state, live.generation, live.certification, live.approvals, live.deployedBy, live.reason],
        ['live', 1, certification.id, [approval.id], otto, 'the pilot begins'],
      );
      assert.equal(approval.certification, certification.id);
      assert.deepEqual(champions, [version.id]);
      assert.deepEqual(await release.getManifest(live.manifest ?? ''), planes.serving.get('production'));
      assert.deepEqual(planes.serving.get('production')?.manifest.log, {
        sample: 1,
        mask: ['street'],
        maxMib: 512,
        events: { url: 'https://events.example.org/', mask: ['plan', 'gender'] },
      });
      assert.equal(planes.serving.get('test')?.manifest.log.sample, 0, 'where versions are tested nothing is logged');
      const { maxBodyBytes, maxRows, ...limits } = planes.serving.get('production')?.manifest.limits ?? {};
      assert.deepEqual(limits, { timeoutMs: 2000, maxConcurrent: 64, rate: { perSecond: 20, burst: 40 } });
      assert.ok(maxBodyBytes !== undefined && maxRows !== undefined, 'what the project does not say has its default');
      assert.deepEqual(await release.deploymentOf('production', 1), live);
      const states = await release.environments();
      assert.deepEqual(
        states.map(({ name: named, live: serving, ready }) => [named, serving?.modelVersion, ready]),
        [
          ['test', version.id, true],
          ['production', version.id, true],
        ],
      );
      assert.deepEqual(
        (await bench.events('deployment.live')).map(({ environment, modelVersion }) => [environment, modelVersion]),
        [
          ['test', version.id],
          ['production', version.id],
        ],
      );
    });

    test('production is refused while anything is missing, and each refusal is stated', async () => {
      await using bench = await openBench(await fixture());
      const { release } = bench;
      const version = bench.addVersion(1);
      await assert.rejects(
        release.roll(to('production', version)),
        refused(
          'FAILED_PRECONDITION',
          /release of churn version 1 to "production" refused: .*no application tests in "test".*lacks the approval/,
        ),
      );
      const report = await bench.tested(version);
      await assert.rejects(release.roll(to('production', version)), refused('FAILED_PRECONDITION', /is not certified/));
      await release.certify({ report: report.id, verdict: 'certified', statement: 'good', by: quinn });
      await assert.rejects(release.roll(to('production', version)), refused('FAILED_PRECONDITION', /lacks the approval/));
      assert.deepEqual(
        (await bench.events('gate.refused')).map(({ gate }) => gate),
        ['application_tests,approval', 'certification,approval', 'approval'],
      );
      assert.deepEqual(await release.deployments(), []);
    });

    test('a version that failed its test report is not even deployed to test', async () => {
      await using bench = await openBench(await fixture());
      const version = bench.addVersion(1, { testsPassed: false });
      await assert.rejects(
        bench.release.roll(to('test', version)),
        refused('FAILED_PRECONDITION', /did not pass the gates of its test report/),
      );
    });

    test('author, certifier and approver are three people', async () => {
      await using bench = await openBench(await fixture());
      const { release } = bench;
      // Registered by somebody else than who trained it: both are authors.
      const version = bench.addVersion(1, { createdBy: otto });
      const report = await bench.tested(version);
      const certify = (by: Actor) => release.certify({ report: report.id, verdict: 'certified', statement: 'good', by });
      const approve = (by: Actor) =>
        release.approve({ modelVersion: version.id, environment: 'production', verdict: 'approved', statement: 'go', by });
      for (const author of [ada, otto]) await assert.rejects(certify(author), refused('PERMISSION_DENIED', /made this version/));
      await certify(quinn);
      for (const author of [ada, otto]) await assert.rejects(approve(author), refused('PERMISSION_DENIED', /made this version/));
      await assert.rejects(approve(quinn), refused('PERMISSION_DENIED', /Quinn certified this version/));
      await approve(olga);
      await assert.rejects(certify(olga), refused('PERMISSION_DENIED', /Olga approved this version/));
      assert.equal((await bench.events('gate.refused')).length, 6);
      await release.roll(to('production', version));
    });

    test('failed or outdated application tests are not certified, and newer ones undo the certification', async () => {
      await using bench = await openBench(await fixture());
      const { release } = bench;
      const version = bench.addVersion(1);
      const failed = await bench.tested(version, {
        passed: false,
        checks: [{ name: 'load: latency', passed: false, observed: 90, wanted: '<= 50 ms', message: 'slow' }],
      });
      const certify = (report: ApplicationTestReport) =>
        release.certify({ report: report.id, verdict: 'certified', statement: 'good', by: quinn });
      await assert.rejects(certify(failed), refused('FAILED_PRECONDITION', /failed: load: latency/));
      await bench.signedOff(version);
      await assert.rejects(certify(failed), refused('FAILED_PRECONDITION', /are newer: certify those/));
      await bench.tested(version);
      await assert.rejects(release.roll(to('production', version)), refused('FAILED_PRECONDITION', /newer ones .* are not certified/));
      await assert.rejects(
        release.certify({ report: 'none', verdict: 'certified', statement: '', by: quinn }),
        refused('NOT_FOUND', /"none"/),
      );
    });

    test('an approval needs a certification, a refusal does not; where nobody is asked there is nothing to approve', async () => {
      await using bench = await openBench(await fixture());
      const { release } = bench;
      const version = bench.addVersion(1);
      const word = (verdict: 'approved' | 'refused', environment = 'production') =>
        release.approve({ modelVersion: version.id, environment, verdict, statement: 'my word', by: olga });
      await bench.tested(version);
      await assert.rejects(word('approved'), refused('FAILED_PRECONDITION', /is not certified/));
      await assert.rejects(
        word('approved', 'test'),
        refused('FAILED_PRECONDITION', /asks for no approval; it is asked for by "production"/),
      );
      await assert.rejects(word('approved', 'moon'), refused('NOT_FOUND', /there are test, production/));
      assert.equal((await word('refused')).verdict, 'refused');
      await bench.signedOff(version);
      await release.approve({
        modelVersion: version.id,
        environment: 'production',
        verdict: 'refused',
        statement: 'not yet',
        by: person('Oscar'),
      });
      await assert.rejects(release.roll(to('production', version)), refused('FAILED_PRECONDITION', /Oscar refused churn version 1/));
    });

    test('the champion is what production serves, on every path', async () => {
      await using bench = await openBench(await fixture());
      const { release } = bench;
      const version = bench.addVersion(1);
      assert.match((await release.championRefusal(version)) ?? '', /no application tests.*the alias follows a release to "production"/);
      await bench.signedOff(version);
      assert.equal(await release.championRefusal(version), 'the alias follows a release to "production"');
      await release.roll(to('production', version));
      assert.equal(await release.championRefusal(version), undefined);
    });

    test('a data plane that refuses leaves the switch failed and the version before live', async () => {
      await using bench = await openBench(await fixture());
      const { release, planes } = bench;
      const [one, two] = [bench.addVersion(1), bench.addVersion(2)];
      await release.roll(to('test', one));
      planes.refusal = new GyreError('FAILED_PRECONDITION', 'the data plane refused generation 2: model.onnx is missing');
      await assert.rejects(release.roll(to('test', two)), refused('FAILED_PRECONDITION', /model.onnx is missing/));
      const [failed, live] = await release.deployments({ environment: 'test' });
      assert.deepEqual([failed.state, failed.generation, live.state, live.modelVersion], ['failed', 2, 'live', one.id]);
      assert.match(failed.reason, /because \(failed: .*model.onnx is missing\)/);
      assert.equal((await bench.events('deployment.failed')).length, 1);
      planes.refusal = undefined;
      assert.equal((await release.roll(to('test', two))).generation, 3);
    });

    test('a second switch of an environment waits for the end of the first', async () => {
      await using bench = await openBench(await fixture());
      const { release, planes } = bench;
      const [one, two] = [bench.addVersion(1), bench.addVersion(2)];
      let second: unknown;
      planes.meanwhile = async () => {
        second = await release.roll(to('test', two)).catch((error: unknown) => error);
      };
      await release.roll(to('test', one));
      assert.ok(refused('ABORTED', /a switch of "test" .* is under way/)(second));
      const results = await Promise.allSettled([release.roll(to('test', one)), release.roll(to('test', two))]);
      const live = (await release.deployments({ environment: 'test' })).filter(({ state }) => state === 'live');
      assert.equal(live.length, 1);
      assert.ok(results.some(({ status }) => status === 'fulfilled'));
    });

    test('a switch that could not be recorded is failed, and the plane goes back to what is on record', async () => {
      await using bench = await openBench(await fixture());
      const { release, planes, fault } = bench;
      const [one, two] = [bench.addVersion(1), bench.addVersion(2)];
      await release.roll(to('test', one));
      fault.failWrites = 1;
      await assert.rejects(release.roll(to('test', two)), refused('UNAVAILABLE', /the disk did not take a commit/));
      assert.equal(planes.serving.get('test')?.manifest.models[0].modelVersion, one.id);
      assert.deepEqual(
        (await release.deployments()).map(({ state }) => state),
        ['failed', 'live'],
      );
    });

    test('an alias that could not follow does not undo the switch; the next start sets it', async () => {
      await using bench = await openBench(await fixture());
      const { release, fault, champions } = bench;
      const version = bench.addVersion(1);
      await bench.signedOff(version);
      fault.alias = new GyreError('UNAVAILABLE', 'the registry is away');
      await assert.rejects(
        release.roll(to('production', version)),
        refused('UNAVAILABLE', /is live, but the alias "champion" could not follow: the registry is away/),
      );
      assert.equal((await release.deployments()).at(0)?.state, 'live');
      assert.deepEqual(await bench.events('deployment.failed'), []);
      fault.alias = undefined;
      assert.deepEqual(await bench.again().resume(otto), []);
      assert.deepEqual(champions, [version.id]);
      assert.deepEqual(await bench.again().resume(otto), []);
      assert.deepEqual(champions, [version.id], 'it is set once');
    });

    test('a start ends the switch that a dead process left, and has planes serve what is live', async () => {
      await using bench = await openBench(await fixture());
      const { release, planes } = bench;
      const [one, two] = [bench.addVersion(1), bench.addVersion(2)];
      const live = await release.roll(to('test', one));
      // The process died between the plane's swap and the record.
      const interrupted: Deployment = { ...live, id: 'dep-x', generation: 2, modelVersion: two.id, state: 'rolling' };
      await bench.store.write(async (tx: Tx) => insertDeployment(tx, interrupted), undefined);
      await assert.rejects(release.roll(to('test', two)), refused('ABORTED', /dep-x/));
      const next = bench.again();
      assert.deepEqual(await next.resume(otto), []);
      assert.deepEqual(await next.getDeployment('dep-x').then(({ state, reason }) => [state, reason]), [
        'failed',
        'because (failed: the process ended during the switch)',
      ]);
      assert.equal(planes.serving.get('test')?.manifest.generation, 1);
      assert.equal((await next.roll(to('test', two))).generation, 3);
    });

    test('a start lets switches wait and starts no plane before it is told to, nor when it is told not to', async () => {
      await using bench = await openBench(await fixture());
      const [one, two] = [bench.addVersion(1), bench.addVersion(2)];
      await bench.release.roll(to('test', one));
      const [next, begin] = [bench.again(), Promise.withResolvers<boolean>()];
      const resumed = next.resume(otto, begin.promise);
      const rolled = next.roll(to('test', two));
      assert.equal(bench.planes.applied.length, 1);
      begin.resolve(true);
      assert.deepEqual(await resumed, []);
      await rolled;
      assert.deepEqual(
        bench.planes.applied.map(({ manifest }) => manifest.generation),
        [1, 1, 2],
      );
      assert.deepEqual(await bench.again().resume(otto, Promise.resolve(false)), []);
      assert.equal(bench.planes.applied.length, 3);
    });

    test('a start goes on when one environment cannot be served, and says which', async () => {
      await using bench = await openBench(await fixture());
      const { release, planes } = bench;
      await release.roll(to('test', bench.addVersion(1)));
      planes.refusal = new GyreError('FAILED_PRECONDITION', 'the data plane did not start: a blob is corrupt');
      assert.deepEqual(await bench.again().resume(otto), [
        { environment: 'test', reason: 'the data plane did not start: a blob is corrupt' },
      ]);
    });

    test('tokens that have changed come to the planes as a new generation of the same version, and nothing else changes', async () => {
      await using bench = await openBench(await fixture());
      const { release, planes, tokens } = bench;
      const version = bench.addVersion(1);
      await bench.signedOff(version);
      tokens.push('b'.repeat(64));
      const first = await release.roll(to('production', version));
      await release.renewTokens(otto);
      assert.equal(planes.applied.at(-1)?.manifest.generation, 1, 'nothing has changed');
      tokens.push('a'.repeat(64));
      await release.renewTokens(otto);
      const renewed = planes.serving.get('production')?.manifest;
      assert.deepEqual([renewed?.generation, renewed?.models[0].modelVersion], [2, version.id]);
      assert.deepEqual([...(renewed?.tokenHashes ?? [])].sort(), ['a'.repeat(64), 'b'.repeat(64)]);
      const [live] = await release.deployments();
      assert.deepEqual([live.state, live.approvals, live.certification], ['live', first.approvals, first.certification]);
      assert.match(live.reason, /tokens that may infer have changed/);
      await assert.rejects(
        release.rollBack({ environment: 'production', reason: 'why', by: otto }),
        refused('FAILED_PRECONDITION', /has served no other version/),
      );
    });

    test('a start serves no manifest whose tokens are not those that may infer now', async () => {
      await using bench = await openBench(await fixture());
      await bench.release.roll(to('test', bench.addVersion(1)));
      bench.planes.serving.clear();
      bench.tokens.push('c'.repeat(64));
      assert.deepEqual(await bench.again().resume(otto), []);
      const served = bench.planes.serving.get('test')?.manifest;
      assert.deepEqual([served?.generation, served?.tokenHashes], [2, ['c'.repeat(64)]]);
    });

    test('a switch that is asked for while a start puts things right waits for it', async () => {
      await using bench = await openBench(await fixture());
      const [one, two] = [bench.addVersion(1), bench.addVersion(2)];
      await bench.release.roll(to('test', one));
      const next = bench.again();
      const [problems, live] = await Promise.all([next.resume(otto), next.roll(to('test', two))]);
      assert.deepEqual([problems, live.state, live.generation], [[], 'live', 2]);
      assert.equal(bench.planes.serving.get('test')?.manifest.generation, 2, 'the start did not put the old one back');
    });

    test('a rollback brings back the version before, on the sign-offs of its first release', async () => {
      await using bench = await openBench(await fixture());
      const { release, planes, champions } = bench;
      const [one, two, three] = [bench.addVersion(1), bench.addVersion(2), bench.addVersion(3)];
      const back = () => release.rollBack({ environment: 'production', reason: 'complaints', by: otto });
      await assert.rejects(back(), refused('FAILED_PRECONDITION', /has served no other version/));
      for (const version of [one, two, three]) {
        await bench.signedOff(version);
        await release.roll(to('production', version));
      }
      // Newer tests, uncertified: no reason to keep what fails in production.
      await bench.tested(two);
      const again = await back();
      const before = await release.deploymentOf('production', 2);
      assert.deepEqual(
        [again.state, again.generation, again.modelVersion, again.certification, again.approvals],
        ['live', 4, two.id, before?.certification, before?.approvals],
      );
      assert.equal((await release.deploymentOf('production', 3))?.state, 'rolled_back');
      assert.equal(planes.serving.get('production')?.manifest.generation, 4);
      assert.deepEqual(
        (await bench.events('deployment.rolled_back')).map(({ modelVersion, to: next }) => [modelVersion, next]),
        [[three.id, two.id]],
      );
      assert.equal((await back()).modelVersion, one.id, 'a second rollback goes further back, not to what was rolled back');
      await assert.rejects(back(), refused('FAILED_PRECONDITION', /has served no other version/));
      assert.equal(champions.at(-1), one.id);
    });

    test('a rollback goes to any release that was live there, also to one that was rolled back from', async () => {
      await using bench = await openBench(await fixture());
      const { release, planes } = bench;
      const [one, two, three] = [bench.addVersion(1), bench.addVersion(2), bench.addVersion(3)];
      for (const version of [one, two, three]) {
        await bench.signedOff(version);
        await release.roll(to('production', version));
      }
      const back = (generation: number) => release.rollBack({ environment: 'production', generation, reason: 'complaints', by: otto });
      const first = await back(1);
      assert.deepEqual([first.modelVersion, first.generation, first.state], [one.id, 4, 'live']);
      assert.equal((await release.deploymentOf('production', 3))?.state, 'rolled_back');
      await assert.rejects(
        release.rollBack({ environment: 'production', reason: 'complaints', by: otto }),
        refused('FAILED_PRECONDITION', /has served no other version/),
        'nothing was live before the first release',
      );
      const third = await back(3);
      assert.deepEqual([third.modelVersion, third.generation], [three.id, 5]);
      assert.equal(planes.serving.get('production')?.manifest.models[0].modelVersion, three.id);
      await assert.rejects(back(9), refused('NOT_FOUND', /generation 9 never was live in "production"/));
      await assert.rejects(back(5), refused('FAILED_PRECONDITION', /serves the version of generation 5 already/));
      await assert.rejects(back(3), refused('FAILED_PRECONDITION', /serves the version of generation 3 already/));
    });

    test('a manifest keeps warm the versions that rollbacks would come to, as many as the environment says', async () => {
      await using bench = await openBench(await fixture());
      const { release, planes } = bench;
      const [one, two, three] = [bench.addVersion(1), bench.addVersion(2), bench.addVersion(3)];
      const warm = (): readonly string[] | undefined =>
        planes.serving.get('production')?.manifest.warm?.map(({ modelVersion }) => modelVersion);
      const seen: (readonly string[] | undefined)[] = [];
      for (const version of [one, two, three]) {
        await bench.signedOff(version);
        await release.roll(to('production', version));
        seen.push(warm());
      }
      assert.deepEqual(seen, [undefined, [one.id], [two.id, one.id]]);
      await release.rollBack({ environment: 'production', reason: 'complaints', by: otto });
      assert.deepEqual(warm(), [one.id], 'what was rolled back from is not come back to');
      bench.tokens.push('d'.repeat(64));
      await release.renewTokens(otto);
      assert.deepEqual(warm(), [one.id]);
      await release.roll(to('production', three));
      bench.tokens.push('e'.repeat(64));
      await release.renewTokens(otto);
      assert.deepEqual(warm(), [two.id, one.id]);
      await release.rollBack({ environment: 'production', reason: 'complaints', by: otto });
      assert.deepEqual(warm(), [one.id], 'also when its tokens were renewed in between');
      await release.roll(to('test', two));
      assert.equal(planes.serving.get('test')?.manifest.warm, undefined);
    });

    test('a rollback to a version that was refused since is refused', async () => {
      await using bench = await openBench(await fixture());
      const { release } = bench;
      const [one, two] = [bench.addVersion(1), bench.addVersion(2)];
      for (const version of [one, two]) {
        await bench.signedOff(version);
        await release.roll(to('production', version));
      }
      await release.approve({ modelVersion: one.id, environment: 'production', verdict: 'refused', statement: 'it leaks', by: olga });
      await assert.rejects(
        release.rollBack({ environment: 'production', reason: 'complaints', by: otto }),
        refused(
          'FAILED_PRECONDITION',
          /rollback of churn version 1 to "production" refused: Olga refused churn version 1 for "production": it leaks/,
        ),
      );
      assert.equal((await release.environments())[1].live?.modelVersion, two.id);
    });

    test('application tests ask for an environment that certifies and serves something', async () => {
      await using bench = await openBench(await fixture());
      const { release } = bench;
      await assert.rejects(
        release.runApplicationTests({ environment: 'test', by: quinn }),
        refused('FAILED_PRECONDITION', /serves no version/),
      );
      await assert.rejects(
        release.runApplicationTests({ environment: 'production', by: quinn }),
        refused('FAILED_PRECONDITION', /application tests run where versions are certified: "test"/),
      );
    });
  });
}
