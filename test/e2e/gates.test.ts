import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type {
  ApplicationTestReport,
  Approval,
  AuditEntry,
  Certification,
  Deployment,
  EnvironmentState,
  ModelVersion,
  Readiness,
} from '#contract';
import { eventType } from '#contract';
import { type Answer, type CliResult, openHouse, type Person, projectText, type Refused, type RunningHouse } from './house.ts';

/** What the API and the command line say of an attempt that a gate stops: the same reason on both ways. */
function assertRefused(answer: Answer<Refused>, status: number, reason: RegExp): void {
  assert.equal(answer.status, status, JSON.stringify(answer.body));
  assert.equal(answer.body.code, status === 403 ? 'PERMISSION_DENIED' : 'FAILED_PRECONDITION');
  assert.match(answer.body.detail, reason);
}

function assertCliRefused(result: CliResult, reason: RegExp): void {
  assert.equal(result.code, 3, `${result.stdout}${result.stderr}`);
  assert.match(result.stderr, reason);
}

/** Walks the whole log, oldest entry first. */
async function allRefusals(reader: Person): Promise<readonly AuditEntry[]> {
  const found: AuditEntry[] = [];
  for (let after = ''; ;) {
    const { items, next } = await reader.get<{ readonly items: readonly AuditEntry[]; readonly next?: string }>(`audit?limit=100${after}`);
    found.push(...items.filter(({ action }) => action === eventType('gate.refused')));
    if (next === undefined) return found;
    after = `&after=${encodeURIComponent(next)}`;
  }
}

describe('the gates on the way to production, by API and command line', () => {
  let house: RunningHouse;
  /** Ada has every role that a person could misuse: she made the version. */
  let ada: Person;
  /** May certify and approve, but not both. */
  let quinn: Person;
  let olga: Person;
  let otto: Person;
  let version = '';

  before(async () => {
    house = await openHouse({ latencyP99Ms: 0.0001 });
    ada = await house.person('ada', ['data-scientist', 'ml-engineer', 'qa', 'approver', 'operator']);
    quinn = await house.person('quinn', ['qa', 'approver']);
    olga = await house.person('olga', ['approver']);
    otto = await house.person('otto', ['operator', 'ml-engineer']);
    version = await house.build(ada);
  });
  after(() => house[Symbol.asyncDispose]());

  const release = <T = Refused>(by: Person) => by.post<T>('environments/production/release', { modelVersion: version, reason: 'pilot' });
  const roll = (by: Person) => by.cli('release', 'roll', 'shop/1', 'production', '--reason', 'pilot');
  const certify = <T = Refused>(by: Person, report: string) =>
    by.post<T>('certifications', { report, verdict: 'certified', statement: 'all checks read' });
  const approve = <T = Refused>(by: Person) =>
    by.post<T>('approvals', { modelVersion: version, environment: 'production', verdict: 'approved', statement: 'go' });
  const elsewhere = { target: 'kubernetes', image: `registry.example.org/shop@sha256:${'a1'.repeat(32)}`, environment: 'production' };
  const deploy = (by: Person) =>
    by.cli('deploy', 'kubernetes', 'shop/1', '--unchecked', '--image', elsewhere.image, '--environment', 'production');
  const runTests = async (): Promise<ApplicationTestReport> => {
    const { status, body } = await quinn.post<ApplicationTestReport>('environments/test/tests');
    assert.equal(status, 200, JSON.stringify(body));
    return body;
  };
  const missing = async (): Promise<readonly string[]> =>
    (await otto.get<Readiness>(`readiness?modelVersion=${version}&environment=production`)).missing.map(({ gate }) => gate);
  const productionIs = async (expected: string | undefined): Promise<void> => {
    const { items } = await otto.get<{ items: readonly EnvironmentState[] }>('environments');
    assert.equal(items.find(({ name }) => name === 'production')?.live?.modelVersion, expected);
  };

  const planeOf = async (environment: string): Promise<string> => {
    for (;;) {
      const { items } = await otto.get<{ items: readonly EnvironmentState[] }>('environments');
      const { address, ready } = items.find(({ name }) => name === environment) ?? assert.fail();
      if (ready && address !== undefined) return address;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  test('nothing goes to production untested, nor by another door', async () => {
    const reason = /no application tests in "test".*lacks the approval of one approver/;
    assertRefused(await release(otto), 409, reason);
    assertCliRefused(await roll(otto), reason);
    assertRefused(await release(ada), 409, reason);
    assertRefused(await otto.post('environments/production/deploy', { modelVersion: version, reason: 'quick' }), 409, /approv/);
    assertRefused(await ada.post('models/shop/aliases', { alias: 'champion', version: 1 }), 409, /the alias follows a release/);
    assertRefused(await otto.post('models/shop/versions/1/manifests', elsewhere), 409, reason);
    assertCliRefused(await deploy(otto), reason);
    assert.deepEqual(await missing(), ['application_tests', 'approval']);
    await productionIs(undefined);
  });

  const byMlflow = async (by: Person): Promise<readonly Answer<{ message?: string }>[]> => [
    await by.mlflow('registered-models/alias', { name: 'shop', version: '1', alias: 'champion' }),
    await by.mlflow('model-versions/transition-stage', {
      name: 'shop',
      version: '1',
      stage: 'Production',
      archive_existing_versions: false,
    }),
  ];

  test('nor do an alias or a stage that an MLflow client sets', async () => {
    for (const { status, body } of await byMlflow(ada)) {
      assert.ok(status >= 400 && status < 500, JSON.stringify(body));
      assert.match(body.message ?? '', /no application tests in "test".*lacks the approval/);
    }
    for (const { status } of await byMlflow(olga)) assert.equal(status, 403, 'who may not release may not name a champion');
    await productionIs(undefined);
  });

  test('who lacks the role is told which one has it', async () => {
    assertRefused(await release(olga), 403, /release/);
    assertRefused(await release(quinn), 403, /release/);
    assertRefused(await certify(olga, 'any'), 403, /certify/);
    assertRefused(await certify(otto, 'any'), 403, /certify/);
    assertRefused(await approve(otto), 403, /approve/);
    assertCliRefused(await roll(olga), /release/);
    const anonymous = await fetch(`${house.address}/api/v1/environments/production/release`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ modelVersion: version, reason: 'pilot' }),
    });
    assert.ok([401, 403].includes(anonymous.status));
    await productionIs(undefined);
  });

  test('application tests need a version to test, and failed ones are not certified', async () => {
    assertRefused(await quinn.post('environments/test/tests'), 409, /serves no version/);
    assertRefused(await quinn.post('environments/production/tests'), 409, /application tests run where versions are certified/);
    const deployed = await ada.post<Deployment>('environments/test/deploy', { modelVersion: version, reason: 'for QA' });
    assert.equal(deployed.status, 200, JSON.stringify(deployed.body));
    const report = await runTests();
    assert.deepEqual(
      report.checks.filter(({ passed }) => !passed).map(({ name }) => name),
      ['load: latency'],
      JSON.stringify(report.checks),
    );
    assertRefused(await certify(quinn, report.id), 409, /failed: load: latency/);
    assertCliRefused(await quinn.cli('release', 'certify', report.id, '--statement', 'fine'), /failed: load: latency/);
    assertRefused(await release(otto), 409, /application tests .* failed: load: latency/);
  });

  test('a passed report is certified by somebody who did not make the version', async () => {
    await writeFile(join(house.folder, 'gyre.yaml'), projectText());
    let report = await runTests();
    // The project's file is followed: until the new target is read, tests fail by the old one.
    for (let tries = 0; !report.passed && tries < 20; tries++) report = await runTests();
    assert.ok(report.passed, JSON.stringify(report.checks));
    const own = /ada made this version; another QA expert certifies it/;
    assertRefused(await certify(ada, report.id), 403, own);
    assertCliRefused(await ada.cli('release', 'certify', report.id, '--statement', 'mine'), own);
    assertRefused(await approve(olga), 409, /is not certified/);
    assertCliRefused(await olga.cli('release', 'approve', 'shop/1', 'production', '--statement', 'go'), /is not certified/);
    const certified = await certify<Certification>(quinn, report.id);
    assert.equal(certified.status, 201, JSON.stringify(certified.body));
    assertRefused(await release(otto), 409, /lacks the approval of one approver for "production"/);
    assertCliRefused(await roll(otto), /lacks the approval/);
    assertCliRefused(await deploy(otto), /may not run as "production": .*lacks the approval/);
    assert.deepEqual(await missing(), ['approval']);
  });

  test('the approver is neither author nor certifier', async () => {
    assertRefused(await approve(ada), 403, /ada made this version/);
    assertRefused(await approve(quinn), 403, /quinn certified this version/);
    assertCliRefused(
      await quinn.cli('release', 'approve', 'shop/1', 'production', '--statement', 'go'),
      /quinn certified this version; author, certifier and approver are three people/,
    );
    const refusal = await olga.post<Approval>('approvals', {
      modelVersion: version,
      environment: 'production',
      verdict: 'refused',
      statement: 'not before the holidays',
    });
    assert.equal(refusal.status, 201);
    assertRefused(await release(otto), 409, /olga refused shop version 1 for "production": not before the holidays/);
    const approved = await approve<Approval>(olga);
    assert.equal(approved.status, 201, JSON.stringify(approved.body));
    assert.deepEqual(await missing(), []);
  });

  test('newer application tests ask for a certification and an approval of their own', async () => {
    const report = await runTests();
    assert.ok(report.passed, JSON.stringify(report.checks));
    assertRefused(await release(otto), 409, /newer ones .* are not certified/);
    assert.equal((await quinn.cli('release', 'certify', report.id, '--statement', 'read again')).code, 0);
    assertRefused(await release(otto), 409, /before its newest certification/);
    assert.equal((await olga.cli('release', 'approve', 'shop/1', 'production', '--statement', 'go')).code, 0);
    await productionIs(undefined);
  });

  test('with every gate passed it goes live and becomes the champion, also after a kill -9', async () => {
    const rolled = await roll(otto);
    assert.equal(rolled.code, 0, rolled.stderr);
    const deployed = await deploy(otto);
    assert.equal(deployed.code, 0, deployed.stderr);
    assert.match(deployed.stdout, new RegExp(`gyre.dev/model-version: ${version}`));
    await productionIs(version);
    assert.deepEqual((await otto.get<ModelVersion>('models/shop/versions/champion')).id, version);
    await house.killAndRestart();
    await productionIs(version);
    // The control plane answers while the data planes still start.
    const address = await planeOf('production');
    const answer = await fetch(`${address}/predict/shop`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ rows: [{ visits: 12, spent: 40.5, channel: 'web' }] }),
    });
    assert.equal(answer.status, 200, await answer.text());
  });

  test('a version that misses the charter is not even deployed to test', async () => {
    await writeFile(join(house.folder, 'gyre.yaml'), projectText({ accuracy: '>= 0.9999' }));
    let second = version;
    for (let tries = 0; second === version && tries < 20; tries++) second = await house.build(ada);
    assert.notEqual(second, version);
    const reason = /did not pass the gates of its test report/;
    assertRefused(await ada.post('environments/test/deploy', { modelVersion: second, reason: 'for QA' }), 409, reason);
    assertCliRefused(await ada.cli('release', 'deploy', 'shop/2', 'test'), reason);
    assertRefused(await otto.post('environments/production/release', { modelVersion: second, reason: 'pilot' }), 409, reason);
    await productionIs(version);
  });

  test('what was revoked is accepted nowhere, and where nothing else may serve that is said', async () => {
    const revoke = (by: Person) => by.cli('release', 'revoke', 'shop/1', '--reason', 'trained on wrong rows');
    assertCliRefused(await revoke(otto), /revoke/);
    const decided = await otto.cli('release', 'decisions', 'shop/1');
    assert.equal(decided.code, 0, decided.stdout + decided.stderr);
    assert.match(decided.stdout, /approval +approved +production .* olga .* valid/);
    const revoked = await revoke(quinn);
    assert.equal(revoked.code, 1, revoked.stderr);
    assert.match(revoked.stdout, /production still serves it: no other version was live there/);
    assert.match((await otto.cli('release', 'status')).stdout, /production: what it serves was revoked by quinn/);
    const why = /shop version 1 was revoked by quinn on .*: trained on wrong rows/;
    assertCliRefused(await roll(otto), why);
    assertRefused(await release(otto), 409, why);
    assertRefused(await approve(olga), 409, why);
    assertRefused(await ada.post('models/shop/aliases', { alias: 'champion', version: 1 }), 409, why);
    for (const { body } of await byMlflow(ada)) assert.match(body.message ?? '', why);
    assert.match((await otto.cli('release', 'decisions', 'shop/1')).stdout, /revocation +revoked .* quinn .* valid/);
  });

  test('a policy is asked on every way, and only an admin publishes one', async () => {
    const file = join(house.folder, 'careful.yaml');
    const text = `policy: careful
version: 1
appliesTo: { risk: [minimal, limited, high] }
stages: [{ name: reviewed, evidence: [{ id: purpose, statement: "What is it for?", by: approver }] }]
approve: { role: approver, people: 2 }
`;
    await writeFile(file, text.replace('approver }]', 'aprover }]'));
    const wrong = await house.owner.cli('policy', 'publish', file);
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /careful\.yaml:4:\d+ stages\[0\]\.evidence\[0\]\.by: .*did you mean "approver"/);
    await writeFile(file, text);
    assertCliRefused(await ada.cli('policy', 'publish', file), /administer/);
    const published = await house.owner.cli('policy', 'publish', file);
    assert.equal(published.code, 0, published.stderr);
    await writeFile(file, text.replace('people: 2', 'people: 1'));
    assertCliRefused(await house.owner.cli('policy', 'publish', file), /publish a change as version 2/);
    const asked = /asks for an approval: an operator releases to it/;
    assertRefused(await ada.post('environments/test/deploy', { modelVersion: version, reason: 'quick' }), 409, asked);
    assertCliRefused(await ada.cli('release', 'deploy', 'shop/1', 'test'), asked);
    assertCliRefused(await otto.cli('release', 'roll', 'shop/1', 'test'), /policy careful\/1 \(stage reviewed\) asks for purpose/);
    for (const { body } of await byMlflow(ada)) assert.match(body.message ?? '', /policy careful\/1/);
    assert.match((await otto.cli('release', 'status', 'shop/1')).stdout, /by policy careful\/1/);
    assertCliRefused(
      await otto.cli('release', 'attest', 'shop/1', '--item', 'purpose', '--statement', 'letters'),
      /is asked of the role approver/,
    );
  });

  test('every attempt that was stopped is in the audit log', async () => {
    const stopped = await allRefusals(house.owner);
    const who = new Set(stopped.map(({ actor }) => actor.identity));
    for (const { identity } of [ada, quinn, otto, olga]) assert.ok(who.has(identity.id), identity.name);
  });
});
