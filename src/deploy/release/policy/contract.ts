import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { JudgedVersion } from '#contract';
import { hasCode } from '#core';
import type { ErrorCode } from '#core';
import { ada, olga, openBench, otto, person, quinn, type Bench, type StoreFixture } from '../testing.ts';

const refused =
  (code: ErrorCode, message: RegExp) =>
  (error: unknown): boolean => {
    assert.ok(hasCode(error, code), String(error));
    assert.match(error.message, message);
    return true;
  };

const highRisk = (version = 1, more = ''): string => `policy: high-risk
version: ${version}
appliesTo: { environments: [production], risk: [high] }
stages:
  - name: tested
    evidence:
      - { id: long-tests, check: application_tests, profile: full }
      - { id: robust, check: requirement, requirement: robustness }
  - name: reviewed
    evidence:
      - { id: purpose, statement: "Is it used for what the charter says?", by: approver }
      - { id: impact, document: "Impact assessment", by: data-steward, mediaTypes: [application/pdf] }
certify: { role: qa, validFor: 90d }
approve: { role: approver, people: 2, validFor: 30d }
${more}`;

const oscar = person('Oscar');
const stella = person('Stella');

/** What the room promises of policies on any store. */
export function policyContract(name: string, fixture: () => Promise<StoreFixture>, skip: string | false = false): void {
  const publish = ({ release }: Bench, text: string) => release.policies.publish({ file: 'p.yaml', text, by: ada });
  const missing = async ({ release }: Bench, version: JudgedVersion): Promise<string> =>
    (await release.readiness(version.id, 'production')).missing.map(({ reason }) => reason).join('\n');
  const attest = ({ release }: Bench, version: JudgedVersion) =>
    release.attest({ modelVersion: version.id, item: 'purpose', statement: 'yes, and for nothing else', roles: ['approver'], by: olga });
  const attach = ({ release }: Bench, version: JudgedVersion, mediaType = 'application/pdf') =>
    release.attach({
      modelVersion: version.id,
      item: 'impact',
      document: { name: 'impact.pdf', mediaType, bytes: Buffer.from('%PDF-') },
      roles: ['data-steward'],
      by: stella,
    });
  const longTests = (bench: Bench, version: JudgedVersion) =>
    bench.tested(version, {
      profile: 'full',
      requirements: [{ id: 'robustness', title: 'Robustness', verdict: 'passed', says: 'nothing moved', checks: [] }],
    });
  const approve = ({ release }: Bench, version: JudgedVersion, by = olga) =>
    release.approve({ modelVersion: version.id, environment: 'production', verdict: 'approved', statement: 'go', by });
  /** Everything that the policy asks for. */
  const complete = async (bench: Bench, version: JudgedVersion): Promise<void> => {
    const report = await longTests(bench, version);
    await bench.release.certify({ report: report.id, verdict: 'certified', statement: 'good', by: quinn });
    await attest(bench, version);
    await attach(bench, version);
    for (const by of [olga, oscar]) await approve(bench, version, by);
  };

  describe(`release policies on ${name}`, { skip }, () => {
    test('a published version never changes; a change is a later version, and one policy at most holds by itself', async () => {
      await using bench = await openBench(await fixture());
      const { release } = bench;
      const first = await publish(bench, highRisk());
      assert.deepEqual([first.name, first.version, first.builtIn, first.publishedBy], ['high-risk', 1, false, ada]);
      // The same content, written otherwise.
      assert.deepEqual(await publish(bench, JSON.stringify(first.policy)), first);
      await assert.rejects(
        publish(bench, highRisk(1, 'findings: { block: low }')),
        refused('ALREADY_EXISTS', /publish a change as version 2/),
      );
      const third = await publish(bench, highRisk(3));
      await assert.rejects(publish(bench, highRisk(2)), refused('FAILED_PRECONDITION', /high-risk\/3 is published already/));
      assert.deepEqual(
        (await release.policies.list()).map((one) => `${one.name}/${one.version}`),
        ['high-risk/3', 'high-risk/1', 'default/1'],
      );
      assert.deepEqual(await release.policies.get('high-risk'), third);
      assert.deepEqual(await release.policies.get('high-risk', 1), first);
      assert.equal((await release.policies.get('default')).builtIn, true);
      await assert.rejects(
        release.policies.get('high-risk', 2),
        refused('NOT_FOUND', /no policy "high-risk\/2" .* there are high-risk\/3, /),
      );
      await assert.rejects(
        publish(bench, 'policy: other\nversion: 1\nappliesTo: { risk: [high] }\n'),
        refused('FAILED_PRECONDITION', /high-risk\/3 applies to "production" at risk high already/),
      );
      await publish(bench, 'policy: other\nversion: 1\nappliesTo: { risk: [high], environments: [test] }\n');
      await assert.rejects(
        publish(bench, 'policy: odd\nversion: 1\napprove: { role: approver, validFor: soon }\n'),
        refused('INVALID_ARGUMENT', /p\.yaml:3:38 approve\.validFor: "soon" is no length of time/),
      );
      assert.equal((await bench.events('release_policy.published')).length, 3);
    });

    test('the risk of the charter says which policy holds; what it asks for is said, and keeps a version back', async () => {
      await using bench = await openBench(await fixture());
      const { release, project } = bench;
      const version = bench.addVersion(1);
      await publish(bench, highRisk());
      await bench.signedOff(version);
      assert.equal(await missing(bench, version), '', 'at a lower risk it does not hold');
      project.risk = 'high';
      const said = await missing(bench, version);
      for (const words of [
        /policy high-risk\/1 \(stage tested\) asks for long-tests: application tests .* are of the short profile/,
        /asks for robust: application tests .* have not passed the requirement robustness; they say nothing of it/,
        /\(stage reviewed\) asks for purpose: "Is it used for what the charter says\?" is not answered; somebody with the role approver/,
        /asks for impact: the document "Impact assessment" is not there/,
        /certification .* of Quinn is not accepted: it was given under policy default\/1, and high-risk\/1 holds now/,
        /lacks the approval of 2 approvers .*it was given under policy default\/1/,
      ]) {
        assert.match(said, words);
      }
      await assert.rejects(
        release.roll({ environment: 'production', modelVersion: version.id, reason: 'go', by: otto }),
        refused('FAILED_PRECONDITION', /policy high-risk\/1/),
      );
      assert.match((await release.championRefusal(version)) ?? '', /policy high-risk\/1/);
      await assert.rejects(approve(bench, version, oscar), refused('FAILED_PRECONDITION', /policy high-risk\/1/));
      const { policy, items } = await release.policyEvidence(version.id, 'production');
      assert.deepEqual([policy.name, items.map(({ item, met }) => [item.id, met])], [
        'high-risk',
        [['long-tests', false], ['robust', false], ['purpose', false], ['impact', false]],
      ]); // prettier-ignore
    });

    test('with all that it asks for a version goes, and its decisions name policy and evidence', async () => {
      await using bench = await openBench(await fixture());
      const { release, project } = bench;
      project.risk = 'high';
      const published = await publish(bench, highRisk());
      const version = bench.addVersion(1);
      await complete(bench, version);
      assert.equal(await missing(bench, version), '');
      const live = await release.roll({ environment: 'production', modelVersion: version.id, reason: 'go', by: otto });
      assert.equal(live.approvals.length, 2);
      const [approval] = await release.approvals(version.id);
      assert.deepEqual(approval.policy, { name: 'high-risk', version: 1, digest: published.digest });
      assert.deepEqual(
        approval.evidence?.map(({ item }) => item),
        ['purpose', 'impact'],
      );
      assert.deepEqual((await release.certifications(version.id))[0].policies, [approval.policy]);
      const document = approval.evidence?.at(1)?.attestation ?? '';
      const { bytes, name: file, mediaType } = await release.document(document);
      assert.deepEqual([Buffer.from(bytes).toString(), file, mediaType], ['%PDF-', 'impact.pdf', 'application/pdf']);
      const other = bench.addVersion(2);
      await longTests(bench, other);
      assert.match(await missing(bench, other), /asks for purpose/, 'what was said of another version counts for that one');
    });

    test('evidence is asked of a role, in its own form, and by a policy that holds', async () => {
      await using bench = await openBench(await fixture());
      const { release, project } = bench;
      const version = bench.addVersion(1);
      await assert.rejects(attest(bench, version), refused('NOT_FOUND', /no policy in force asks for "purpose"; it asks for none/));
      await publish(bench, highRisk());
      project.risk = 'high';
      const by = { modelVersion: version.id, statement: 'yes', roles: ['approver' as const], by: olga };
      await assert.rejects(
        release.attest({ ...by, item: 'purpos' }),
        refused('NOT_FOUND', /there are long-tests, robust, purpose, impact/),
      );
      await assert.rejects(release.attest({ ...by, item: 'robust' }), refused('FAILED_PRECONDITION', /found out by Gyre itself/));
      await assert.rejects(
        release.attest({ ...by, item: 'purpose', roles: ['qa'] }),
        refused('PERMISSION_DENIED', /is asked of the role approver; Olga has qa/),
      );
      await assert.rejects(
        release.attest({ ...by, item: 'impact', roles: ['data-steward'] }),
        refused('INVALID_ARGUMENT', /asks for a document/),
      );
      await assert.rejects(attach(bench, version, 'text/html'), refused('INVALID_ARGUMENT', /takes application\/pdf/));
    });

    test('a new version of a policy asks for new decisions; an answer to the same question counts on', async () => {
      await using bench = await openBench(await fixture());
      const { project } = bench;
      project.risk = 'high';
      await publish(bench, highRisk());
      const version = bench.addVersion(1);
      await complete(bench, version);
      await publish(bench, highRisk(2, 'findings: { block: low }'));
      const said = await missing(bench, version);
      assert.match(said, /was given under policy high-risk\/1, and high-risk\/2 holds now/);
      assert.doesNotMatch(said, /asks for/);
      await publish(bench, highRisk(3).replace('what the charter says', 'what the charter of today says'));
      assert.match(await missing(bench, version), /asks for purpose: "Is it used for what the charter of today says\?"/);
    });

    test('certification and approval expire for new releases, and a rollback comes to what they let through', async () => {
      await using bench = await openBench(await fixture());
      const { release, project, clock } = bench;
      project.risk = 'high';
      await publish(bench, highRisk());
      const [one, two] = [bench.addVersion(1), bench.addVersion(2)];
      for (const version of [one, two]) {
        await complete(bench, version);
        await release.roll({ environment: 'production', modelVersion: version.id, reason: 'go', by: otto });
      }
      await release.tellExpired(otto);
      const signedOff = async () => (await release.environments()).map(({ expiresAt, expired }) => [expiresAt?.slice(0, 10), expired]);
      assert.deepEqual(await signedOff(), [[undefined, undefined], ['2026-02-04', false]]); // prettier-ignore
      clock.advance(31 * 86_400_000);
      assert.deepEqual((await signedOff())[1], ['2026-02-04', true]);
      for (let times = 0; times < 2; times++) await release.tellExpired(otto);
      assert.deepEqual(
        (await bench.events('sign_off.expired')).map(({ environment, modelVersion }) => [environment, modelVersion]),
        [['production', two.id]],
      );
      assert.match(
        await missing(bench, two),
        /lacks the approval of 2 approvers .*approval .* of O\w+ is not accepted: it has expired on 2026-02-04T/,
      );
      assert.doesNotMatch(await missing(bench, two), /is not certified/);
      clock.advance(60 * 86_400_000);
      assert.match(await missing(bench, two), /is not certified.*certification .* of Quinn is not accepted: it has expired on 2026-04-05T/);
      const back = await release.rollBack({ environment: 'production', reason: 'complaints', by: otto });
      assert.equal(back.modelVersion, one.id);
      const report = await longTests(bench, two);
      await assert.rejects(
        release.certify({ report: report.id, verdict: 'certified', statement: 'good', by: olga }),
        refused('PERMISSION_DENIED', /Olga approved this version/),
        'duties stay apart, whether or not a decision still counts',
      );
    });

    test('decisions count until drift crosses the line of the policy, are told once, and count anew when they are given anew', async () => {
      await using bench = await openBench(await fixture());
      const { release, project, clock } = bench;
      project.policy = 'steady';
      await publish(
        bench,
        'policy: steady\nversion: 1\nappliesTo: { environments: [production] }\napprove: { role: approver, untilDrift: { psi: 0.2, windows: 2 } }\n',
      );
      const [one, two] = [bench.addVersion(1), bench.addVersion(2)];
      const live = async () => (await release.environments())[1];
      let day = 0;
      const window = async (version: JudgedVersion, psi: number | undefined, id = `window-${++day}`) => {
        const start = new Date(clock.now()).toISOString();
        clock.advance(86_400_000);
        const end = new Date(clock.now()).toISOString();
        const most = psi === undefined ? {} : { most: { column: 'tenure', psi } };
        await release.recordDrift({ window: id, environment: 'production', modelVersion: version.id, start, end, ...most });
        await release.tellExpired(otto);
      };
      for (const version of [two, one]) {
        await bench.signedOff(version);
        await release.roll({ environment: 'production', modelVersion: version.id, reason: 'go', by: otto });
      }
      for (const psi of [0.3, undefined, 0.25, 0.19]) await window(one, psi);
      assert.equal((await live()).expired, undefined, 'two in a row are needed');
      assert.equal(await missing(bench, one), '');
      for (const psi of [0.2, 0.31, 0.4]) await window(one, psi);
      const { expired, expiredBy, expiresAt, live: serving } = await live();
      assert.deepEqual([expired, expiresAt?.slice(0, 10), serving?.modelVersion], [true, '2026-01-11', one.id], 'what serves goes on');
      assert.match(expiredBy ?? '', /PSI 0\.2 for 2 windows in a row\) in "production" until 2026-01-11T.*: tenure 0\.31/);
      assert.match(
        await missing(bench, one),
        /lacks the approval of one approver.*approval .* of Olga is not accepted: it was given before data drift/,
      );
      assert.doesNotMatch(await missing(bench, one), /is not certified/, 'the policy says it of approvals alone');
      assert.equal(await missing(bench, two), '', 'another version saw other data');
      assert.equal((await bench.events('sign_off.expired')).length, 1);
      assert.deepEqual(
        (await release.queue()).map(({ what, modelVersion }) => [what, modelVersion]).filter(([, id]) => id === one.id),
        [['approve', one.id]],
      );
      await window(one, 0.1, `window-${day}`);
      assert.equal((await live()).expired, true, 'a window that is judged again does not undo the others');
      const back = await release.rollBack({ environment: 'production', reason: 'complaints', by: otto });
      await release.rollBack({ environment: 'production', generation: 2, reason: 'no better', by: otto });
      assert.equal(back.modelVersion, two.id);
      assert.equal((await live()).live?.modelVersion, one.id, 'a rollback comes to what was let through');
      await approve(bench, one);
      assert.equal(await missing(bench, one), '');
      await window(one, 0.5);
      assert.equal(await missing(bench, one), '', 'windows are counted from the new approval on');
      await window(one, 0.5);
      assert.match(await missing(bench, one), /it was given before data drift/);
    });

    test('gyre.yaml names a policy where none holds by itself; one that is not published lets nothing through', async () => {
      await using bench = await openBench(await fixture());
      const { project, release } = bench;
      const version = bench.addVersion(1);
      await bench.signedOff(version);
      project.policy = 'careful';
      assert.match(await missing(bench, version), /names the policy "careful" \(release\.policy\), which is not published/);
      await publish(bench, 'policy: careful\nversion: 1\nappliesTo: { environments: [test] }\napprove: { role: approver }\n');
      assert.equal(await missing(bench, version), '', 'it says nothing of production');
      assert.deepEqual(
        (await release.environments()).map(({ policy, approvals }) => [policy?.name, approvals]),
        [['careful', 1], ['default', 1]],
      ); // prettier-ignore
      await assert.rejects(
        release.roll({ environment: 'test', modelVersion: version.id, reason: 'go', by: otto }),
        refused('FAILED_PRECONDITION', /lacks the approval of one approver for "test"/),
      );
      await publish(bench, highRisk());
      project.risk = 'high';
      assert.match(await missing(bench, version), /names the policy "careful" .*but "high-risk" applies to "production" at risk high/);
    });

    test('findings that are as bad as the policy says keep a version back until they are resolved or accepted', async () => {
      await using bench = await openBench(await fixture());
      const { release, clock } = bench;
      const version = bench.addVersion(1);
      await bench.signedOff(version);
      const dueAt = '2026-02-01T00:00:00.000Z';
      const about = { modelVersion: version.id, owner: ada, by: quinn };
      await release.findings.add({ ...about, severity: 'medium', statement: 'slow on old phones' });
      assert.equal(await missing(bench, version), '', 'the built-in policy blocks from high on');
      const bad = await release.findings.add({ ...about, severity: 'high', statement: 'wrong for tenants', dueAt });
      const worse = await release.findings.add({ ...about, severity: 'critical', statement: 'leaks names' });
      assert.match(
        await missing(bench, version),
        /open finding \(critical, .*leaks names\n.*\(high, .*, which Ada sees to: wrong for tenants/,
      );
      clock.advance(40 * 86_400_000);
      assert.deepEqual(
        (await release.findings.list({ modelVersion: version.id })).filter(({ overdue }) => overdue === true).map(({ id }) => id),
        [bad.id],
      );
      await assert.rejects(
        release.findings.add({ ...about, severity: 'low', statement: 'late', dueAt }),
        refused('INVALID_ARGUMENT', /which is past/),
      );
      await release.findings.resolve({ id: worse.id, statement: 'names are masked', by: quinn });
      const accept = (by: typeof ada) => release.findings.accept({ id: bad.id, statement: 'no tenants here', by });
      await assert.rejects(accept(ada), refused('PERMISSION_DENIED', /Ada made this version/));
      const accepted = await accept(olga);
      assert.deepEqual([accepted.state, accepted.ending?.by, accepted.ending?.statement], ['accepted', olga, 'no tenants here']);
      await assert.rejects(accept(olga), refused('FAILED_PRECONDITION', /is accepted since/));
      assert.equal(await missing(bench, version), '');
      assert.deepEqual(
        (await bench.events('finding.ended')).map(({ state }) => state),
        ['resolved', 'accepted'],
      );
    });

    test('what waits is told once, to whom it waits for, and waits no longer when it is done', async () => {
      await using bench = await openBench(await fixture());
      const { release, project } = bench;
      project.risk = 'high';
      await publish(bench, highRisk());
      const version = bench.addVersion(1);
      const report = await longTests(bench, version);
      const waits = async (by: typeof ada, ...roles: ('qa' | 'approver' | 'data-steward')[]): Promise<readonly string[]> =>
        (await release.queue({ identity: by.identity, roles })).map(({ what, item }) => item ?? what);
      await release.tellWanted(otto);
      await release.tellWanted(otto);
      const told = async () => (await bench.events('sign_off.wanted')).map(({ what, role }) => `${String(what)} ${String(role)}`);
      assert.deepEqual(await told(), ['certify qa', 'answer approver', 'answer data-steward']);
      assert.deepEqual(await waits(quinn, 'qa'), ['certify']);
      assert.equal((await release.queue()).find(({ what }) => what === 'certify')?.report, report.id);
      assert.deepEqual(await waits(ada, 'qa', 'approver'), ['purpose'], 'nobody certifies what they made');
      await release.certify({ report: report.id, verdict: 'certified', statement: 'good', by: quinn });
      await attest(bench, version);
      await attach(bench, version);
      assert.deepEqual(await waits(olga, 'approver'), ['approve']);
      assert.deepEqual(await waits(quinn, 'approver'), [], 'who certified does not approve');
      await approve(bench, version, olga);
      assert.deepEqual([await waits(olga, 'approver'), await waits(oscar, 'approver')], [[], ['approve']]);
      await release.tellWanted(otto);
      await approve(bench, version, oscar);
      const finding = await release.findings.add({ modelVersion: version.id, owner: ada, by: quinn, severity: 'low', statement: 'slow' });
      await release.tellWanted(otto);
      assert.deepEqual((await told()).slice(3), ['approve approver', 'finding undefined']);
      assert.deepEqual(await waits(ada), ['finding']);
      await release.findings.resolve({ id: finding.id, statement: 'fast now', by: quinn });
      assert.deepEqual(await release.queue(), []);
    });

    test('the bytes of a package are read where a policy asks for it', async () => {
      await using bench = await openBench(await fixture());
      const { project } = bench;
      project.policy = 'whole';
      await publish(bench, 'policy: whole\nversion: 1\nstages: [{ name: bytes, evidence: [{ id: bytes, check: package }] }]\n');
      const version = bench.addVersion(1);
      assert.match(await missing(bench, version), /policy whole\/1 \(stage bytes\) asks for bytes: .*no blob/);
      const digest = await bench.putBlob('a graph');
      const files = [{ path: 'model.onnx', digest, size: 7 }];
      assert.doesNotMatch(await missing(bench, bench.addVersion(2, { files })), /asks for bytes/);
    });
  });
}
