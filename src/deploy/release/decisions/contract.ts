import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Approval, Certification, ModelVersion } from '#contract';
import { GyreError, hasCode } from '#core';
import { eventsMigrations } from '#events';
import type { Tx } from '#store';
import { releaseMigrations } from '../migrations/index.ts';
import { insertApproval, insertCertification } from '../release-store.ts';
import { alterApproval, alterCertification, plantCertification } from './testing-store.ts';
import { olga, openBench, otto, packageOf, quinn, reportFor, type StoreFixture } from '../testing.ts';

const refused =
  (code: 'FAILED_PRECONDITION' | 'ALREADY_EXISTS', message: RegExp) =>
  (error: unknown): boolean => {
    assert.ok(hasCode(error, code), String(error));
    assert.match(error.message, message);
    return true;
  };

/** What the room promises of decisions on any store: they are signed, and a revocation takes a version out wherever it is. */
export function decisionsContract(name: string, fixture: () => Promise<StoreFixture>, skip: string | false = false): void {
  const to = (environment: string, { id }: ModelVersion) => ({ environment, modelVersion: id, reason: 'because', by: otto });

  describe(`revocations on ${name}`, { skip }, () => {
    test('a revoked version gives way to the latest earlier one that may serve, and nothing accepts it again', async () => {
      await using bench = await openBench(await fixture());
      const { release, planes } = bench;
      const [one, two, three] = [bench.addVersion(1), bench.addVersion(2), bench.addVersion(3)];
      for (const version of [one, two, three]) {
        await bench.signedOff(version);
        await release.roll(to('production', version));
      }
      await release.roll(to('test', three));
      await release.approve({ modelVersion: two.id, environment: 'production', verdict: 'refused', statement: 'it leaks', by: olga });
      const { revocation, environments } = await release.revoke({ modelVersion: three.id, reason: 'trained on wrong rows', by: quinn });
      assert.deepEqual([revocation.package, revocation.revokedBy], [three.package, quinn]);
      assert.deepEqual(environments, [
        { environment: 'test', outcome: 'still_served', reason: 'no other version was live there' },
        { environment: 'production', outcome: 'rolled_back', modelVersion: one.id },
      ]);
      assert.equal(planes.serving.get('production')?.manifest.models[0].modelVersion, one.id);
      assert.equal((await release.deployments({ environment: 'production' })).at(0)?.reason, 'revoked by Quinn: trained on wrong rows');
      assert.deepEqual(await bench.events('revocation.given'), [{ id: revocation.id, modelVersion: three.id, package: three.package }]);
      const why = /churn version 3 was revoked by Quinn on .*: trained on wrong rows/;
      for (const environment of ['test', 'production']) {
        await assert.rejects(release.roll(to(environment, three)), refused('FAILED_PRECONDITION', why));
      }
      const rollBack = (generation?: number) =>
        release.rollBack({ environment: 'production', reason: 'why', by: otto, ...(generation === undefined ? {} : { generation }) });
      await assert.rejects(rollBack(3), refused('FAILED_PRECONDITION', why));
      await assert.rejects(rollBack(), refused('FAILED_PRECONDITION', /has served no other version/));
      assert.match((await release.championRefusal(three)) ?? '', why);
      const report = await bench.tested(three);
      await assert.rejects(
        release.certify({ report: report.id, verdict: 'certified', statement: 'good', by: quinn }),
        refused('FAILED_PRECONDITION', /this version was revoked/),
      );
      await assert.rejects(
        release.revoke({ modelVersion: three.id, reason: 'again', by: olga }),
        refused('ALREADY_EXISTS', /was revoked by Quinn/),
      );
      const twin = bench.addVersion(4, { package: three.package });
      await assert.rejects(release.roll(to('test', twin)), refused('FAILED_PRECONDITION', /churn version 4 was revoked by Quinn/));
    });

    test('a rollback passes over what was revoked', async () => {
      await using bench = await openBench(await fixture());
      const { release } = bench;
      const [one, two, three] = [bench.addVersion(1), bench.addVersion(2), bench.addVersion(3)];
      for (const version of [one, two, three]) {
        await bench.signedOff(version);
        await release.roll(to('production', version));
      }
      assert.deepEqual((await release.revoke({ modelVersion: two.id, reason: 'it leaks', by: olga })).environments, []);
      assert.equal((await release.rollBack({ environment: 'production', reason: 'complaints', by: otto })).modelVersion, one.id);
    });

    test('where nothing else may serve, environment, event and the next start say so', async () => {
      await using bench = await openBench(await fixture());
      const { release } = bench;
      const version = bench.addVersion(1);
      await bench.signedOff(version);
      await release.roll(to('production', version));
      await release.revoke({ modelVersion: version.id, reason: 'it leaks', by: olga });
      assert.match(
        (await release.environments())[1].problem ?? '',
        /what it serves was revoked by Olga on .*: it leaks; release another version here/,
      );
      assert.deepEqual(await bench.events('revocation.unmet'), [
        { environment: 'production', modelVersion: version.id, reason: 'no other version was live there' },
      ]);
      assert.deepEqual(await bench.again().resume(otto), [
        { environment: 'production', reason: 'serves a version that was revoked: no other version was live there' },
      ]);
    });

    test('a switch that had begun before is taken back when it has ended, by the next start too', async () => {
      await using bench = await openBench(await fixture());
      const { release, planes } = bench;
      const [one, two] = [bench.addVersion(1), bench.addVersion(2)];
      await release.roll(to('test', one));
      planes.meanwhile = async () => {
        assert.deepEqual((await release.revoke({ modelVersion: two.id, reason: 'it leaks', by: olga })).environments, []);
      };
      await release.roll(to('test', two));
      assert.deepEqual(await bench.again().resume(otto), []);
      assert.equal(planes.serving.get('test')?.manifest.models[0].modelVersion, one.id);
    });

    test('a data plane that refuses the version before is told of, and the one before that serves', async () => {
      await using bench = await openBench(await fixture());
      const { release, planes } = bench;
      for (const number of [1, 2]) await release.roll(to('test', bench.addVersion(number)));
      planes.refusal = new GyreError('FAILED_PRECONDITION', 'model.onnx is missing');
      const { environments } = await release.revoke({ modelVersion: 'mv-2', reason: 'it leaks', by: olga });
      assert.deepEqual(environments, [{ environment: 'test', outcome: 'still_served', reason: 'model.onnx is missing' }]);
      planes.refusal = undefined;
      assert.deepEqual(await release.takeOutRevoked(otto), [{ environment: 'test', outcome: 'rolled_back', modelVersion: 'mv-1' }]);
      assert.deepEqual(await release.takeOutRevoked(otto), []);
    });
  });

  describe(`signed decisions on ${name}`, { skip }, () => {
    test('every decision is signed, and listed with what its signature is worth', async () => {
      await using bench = await openBench(await fixture());
      const { release } = bench;
      const version = bench.addVersion(1);
      await bench.signedOff(version);
      await release.revoke({ modelVersion: version.id, reason: 'it leaks', by: olga });
      const decisions = await release.decisions(version.id);
      assert.deepEqual(decisions.map(({ kind, verdict, by, signature }) => [kind, verdict, by.name, signature].join(' ')).toSorted(), [
        'approval approved Olga valid',
        'certification certified Quinn valid',
        'revocation revoked Olga valid',
      ]);
      assert.equal(new Set(decisions.map(({ keyId }) => keyId)).size, 1);
      assert.ok(decisions.every((one) => one.package === version.package));
    });

    test('a row that was altered or lost its signature is not accepted, and the gate says so; a no counts all the same', async () => {
      await using bench = await openBench(await fixture());
      const { release, store } = bench;
      const version = bench.addVersion(1);
      await bench.signedOff(version);
      const [approval] = await release.approvals(version.id);
      const alter = (record: Approval) => store.write(alterApproval, { id: approval.id, record });
      const gate = async () => (await release.readiness(version.id, 'production')).missing.map(({ reason }) => reason).join('; ');
      assert.equal(await gate(), '');
      await alter({ ...approval, statement: 'go, everywhere' });
      assert.match(
        await gate(),
        /lacks the approval of one approver for "production" \(approval .* of Olga is not accepted: its signature does not match what it says/,
      );
      assert.equal((await release.decisions(version.id)).find(({ kind }) => kind === 'approval')?.signature, 'invalid');
      const { signature: _signature, ...bare } = approval;
      await alter(bare);
      assert.match(await gate(), /of Olga is not accepted: it is not signed/);
      await alter({ ...approval, signature: { keyId: 'another', value: approval.signature?.value ?? '' } });
      assert.match(await gate(), /is signed with key another/);
      await alter({ ...approval, verdict: 'refused' });
      assert.match(await gate(), /Olga refused churn version 1/);
      await alter(approval);
      assert.equal(await gate(), '');
    });

    test('a signature is worth nothing for another version', async () => {
      await using bench = await openBench(await fixture());
      const { release, store } = bench;
      const [one, two] = [bench.addVersion(1), bench.addVersion(2)];
      await bench.signedOff(one);
      const report = await bench.tested(two);
      const [certification] = await release.certifications(one.id);
      const copies: readonly Certification[] = [
        { ...certification, id: 'copy-1', modelVersion: two.id, package: two.package, report: report.id, reportDigest: report.digest },
        { ...certification, id: 'copy-2' },
      ];
      for (const record of copies) await store.write(plantCertification, { record, under: two.id });
      const { missing } = await release.readiness(two.id, 'production');
      const reason = missing.find(({ gate }) => gate === 'certification')?.reason ?? '';
      assert.match(reason, /certification copy-1 of Quinn is not accepted: its signature does not match/);
      assert.match(reason, /certification copy-2 of Quinn is not accepted: it speaks of model version mv-1/);
    });

    test('what was released on a decision that was altered since does not come back', async () => {
      await using bench = await openBench(await fixture());
      const { release, store } = bench;
      for (const number of [1, 2]) {
        const version = bench.addVersion(number);
        await bench.signedOff(version);
        await release.roll(to('production', version));
      }
      const [certification] = await release.certifications('mv-1');
      await store.write(alterCertification, { ...certification, certifiedBy: olga });
      await assert.rejects(
        release.rollBack({ environment: 'production', reason: 'complaints', by: otto }),
        refused('FAILED_PRECONDITION', /was released on certification .* of Olga, which is not accepted/),
      );
    });

    test('decisions of before they were signed count as they did', async () => {
      const place = await fixture();
      const at = '2026-01-05T10:00:00.000Z';
      const common = { modelVersion: 'mv-1', package: packageOf(1).digest, statement: 'good' };
      const report = reportFor({ id: 'mv-1', package: packageOf(1).digest }, { id: 't', startedAt: at, endedAt: at });
      const reportDigest = report.digest;
      await using bench = await openBench({
        open: async () => {
          const store = await place.open();
          await store.migrate([eventsMigrations, releaseMigrations]);
          await store.write(async (tx: Tx) => {
            const verdict = 'certified';
            await insertCertification(tx, { ...common, id: 'c', report: 't', reportDigest, verdict, certifiedBy: quinn, certifiedAt: at });
            const said = { environment: 'production', certification: 'c', verdict: 'approved' } as const;
            await insertApproval(tx, { ...common, ...said, id: 'a', approvedBy: olga, approvedAt: at });
          }, undefined);
          return store;
        },
        [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
      });
      const version = bench.addVersion(1);
      await bench.tested(version, { id: 't', startedAt: at, endedAt: at });
      assert.deepEqual((await bench.release.readiness(version.id, 'production')).missing, []);
      assert.deepEqual(
        (await bench.release.decisions(version.id)).map(({ signature }) => signature),
        ['unsigned', 'unsigned'],
      );
    });
  });
}
