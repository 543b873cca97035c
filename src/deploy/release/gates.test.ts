import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Actor, ApplicationTestReport, Approval, Certification, JudgedVersion } from '#contract';
import { digestOf } from '#core';
import { builtIn } from './policy/in-force.ts';
import { type Environment, type GateFacts, judgeReadiness, validApprovals, validCertifications, withdrawals } from './gates.ts';

const person = (name: string): Actor => ({ identity: name.toLowerCase(), name });
const [ada, quinn, quentin, olga, oscar] = ['Ada', 'Quinn', 'Quentin', 'Olga', 'Oscar'].map(person);
const at = '2026-01-05T10:00:00.000Z';
const testing: Environment = { name: 'test', position: 0, certify: 'qa', approvals: 0 };
const production: Environment = { name: 'production', position: 1, approve: 'approver', approvals: 1 };

const version: JudgedVersion = {
  id: 'mv-1',
  model: 'churn',
  version: 1,
  source: 'runs:/run-1',
  description: '',
  stage: 'None',
  package: 'package-1',
  files: [{ path: 'model.onnx', digest: 'graph-1', size: 1 }],
  signature: { task: 'binary', inputs: [], outputs: [], classes: ['No', 'Yes'] },
  run: 'run-1',
  testReport: 'report-1',
  testsPassed: true,
  charter: 'charter-1',
  aliases: [],
  tags: {},
  createdAt: at,
  updatedAt: at,
  createdBy: ada,
};

function tests(id: string, change: Partial<ApplicationTestReport> = {}): ApplicationTestReport {
  const body = {
    id,
    modelVersion: version.id,
    package: version.package,
    environment: 'test',
    generation: 1,
    checks: [],
    passed: true,
    startedAt: at,
    endedAt: at,
    startedBy: quinn,
    ...change,
  };
  return { ...body, digest: digestOf(body) };
}

function certification(id: string, report: ApplicationTestReport, change: Partial<Certification> = {}): Certification {
  return {
    id,
    modelVersion: version.id,
    package: version.package,
    report: report.id,
    reportDigest: report.digest,
    verdict: 'certified',
    statement: 'as it should be',
    certifiedBy: quinn,
    certifiedAt: at,
    ...change,
  };
}

function approval(id: string, seen: string | undefined, change: Partial<Approval> = {}): Approval {
  return {
    id,
    modelVersion: version.id,
    package: version.package,
    environment: 'production',
    ...(seen === undefined ? {} : { certification: seen }),
    verdict: 'approved',
    statement: 'go',
    approvedBy: olga,
    approvedAt: at,
    ...change,
  };
}

const report = tests('tests-1');
/** All gates passed: each test takes one thing away. */
const complete: GateFacts = {
  version,
  authors: ['ada'],
  target: production,
  environments: [testing, production],
  applicationTests: [report],
  certifications: [certification('c-1', report)],
  approvals: [approval('a-1', 'c-1')],
  unaccepted: [],
  inForce: { policy: builtIn },
  attestations: [],
  findings: [],
};

const released = { certification: 'c-1', approvals: ['a-1'] };

function missing(change: Partial<GateFacts>): readonly (readonly [string, string])[] {
  const readiness = judgeReadiness({ ...complete, ...change });
  assert.equal(readiness.ready, readiness.missing.length === 0);
  return readiness.missing.map(({ gate, reason }) => [gate, reason]);
}

describe('the gates before an environment', () => {
  test('what executes code on load comes only where the environment allows it, and may not come back where it no longer does', () => {
    const version = {
      ...complete.version,
      flavors: ['python_function', 'sklearn'],
      files: [{ path: 'brought/MLmodel', digest: 'a'.repeat(64), size: 1 }],
    };
    const [[gate, reason], ...others] = missing({ version });
    assert.deepEqual([gate, others], ['executes_code', []]);
    assert.match(reason, /executes code on load.*executesCode: true/);
    const target = { ...production, executesCode: true };
    const allowed = judgeReadiness({ ...complete, version, target, environments: [testing, target] });
    assert.deepEqual([allowed.ready, allowed.executesCodeOnLoad], [true, true]);
    assert.deepEqual(withdrawals({ ...complete, version }, released).map((one) => one.gate), ['executes_code']); // prettier-ignore
  });

  test('let a version through that was tested, certified and approved by three people', () => {
    assert.deepEqual(missing({}), []);
    assert.deepEqual(
      validCertifications(complete).map(({ id }) => id),
      ['c-1'],
    );
    assert.deepEqual(
      validApprovals(complete).map(({ id }) => id),
      ['a-1'],
    );
  });

  test('find a report that was changed beside its digest, whatever was certified', () => {
    const failed = tests('t-1', { passed: false });
    const altered = { ...failed, passed: true };
    const [[gate, reason]] = missing({ applicationTests: [altered], certifications: [certification('c-1', altered)] });
    assert.equal(gate, 'application_tests');
    assert.match(reason, /application tests t-1 of churn version 1 are not what their digest names/);
    assert.deepEqual(
      validCertifications({ ...complete, applicationTests: [altered], certifications: [certification('c-1', altered)] }),
      [],
    );
  });

  test('ask for a test report, and that its gates are passed', () => {
    const { testReport: _, ...untested } = version;
    assert.deepEqual(missing({ version: untested }), [
      ['test_report', 'churn version 1 has no test report: it is tested before it is deployed'],
    ]);
    assert.deepEqual(missing({ version: { ...version, testsPassed: false } }), [
      ['test_report', 'churn version 1 did not pass the gates of its test report report-1'],
    ]);
  });

  test('ask a test environment for the test report alone', () => {
    const bare = { applicationTests: [], certifications: [], approvals: [] };
    assert.deepEqual(missing({ target: testing, ...bare }), []);
    assert.equal(missing({ target: testing, ...bare, version: { ...version, testsPassed: false } }).length, 1);
  });

  test('ask for application tests of this very package in the environment that certifies', () => {
    const none = [['application_tests', 'churn version 1 has no application tests in "test": run them there first']];
    const only = (applicationTests: readonly ApplicationTestReport[]) =>
      missing({ applicationTests, certifications: [], approvals: [] })[0];
    assert.deepEqual(only([]), none[0]);
    assert.deepEqual(only([tests('tests-1', { environment: 'production' })]), none[0]);
    assert.deepEqual(only([tests('tests-1', { package: 'package-2' })]), none[0]);
  });

  test('name the checks of application tests that failed', () => {
    const failed = tests('tests-2', {
      passed: false,
      checks: [
        { name: 'ready', passed: true, observed: 200, wanted: '200', message: '' },
        { name: 'golden_requests', passed: false, observed: 1, wanted: '0', message: '' },
      ],
    });
    assert.deepEqual(missing({ applicationTests: [failed, report] })[0], [
      'application_tests',
      'application tests tests-2 of churn version 1 failed: golden_requests',
    ]);
  });

  test('ask for a certification of the newest application tests', () => {
    assert.deepEqual(missing({ certifications: [] })[0], [
      'certification',
      'churn version 1 is not certified: a QA expert certifies application tests tests-1',
    ]);
    const newer = tests('tests-2');
    assert.deepEqual(missing({ applicationTests: [newer, report] })[0], [
      'certification',
      'the certification of churn version 1 speaks of application tests tests-1; newer ones (tests-2) are not certified',
    ]);
  });

  test('let a refused certification stand, whoever else certifies the same tests', () => {
    const refusal = certification('c-2', report, { certifiedBy: quentin, verdict: 'refused', statement: 'too slow' });
    const wanted = [['certification', 'Quentin refused to certify churn version 1: too slow']];
    assert.deepEqual(missing({ certifications: [refusal, ...complete.certifications] }).slice(0, 1), wanted);
    assert.deepEqual(missing({ certifications: [...complete.certifications, refusal] }).slice(0, 1), wanted);
    const takenBack = certification('c-3', report, { certifiedBy: quentin });
    assert.deepEqual(missing({ certifications: [takenBack, refusal, ...complete.certifications] }), []);
  });

  test('ask every certifying environment for a certification of its own', () => {
    const staging: Environment = { name: 'staging', position: 1, certify: 'qa', approvals: 0 };
    const environments = [testing, staging, { ...production, position: 2 }];
    const change = { environments, target: environments[2] };
    const staged = tests('tests-s', { environment: 'staging' });
    assert.match(missing(change)[0][1], /no application tests in "staging"/);
    const both = { ...change, applicationTests: [staged, report] };
    assert.match(missing(both)[0][1], /certifies application tests tests-s/);
    assert.deepEqual(missing({ ...both, certifications: [certification('c-s', staged), ...complete.certifications] }), []);
  });

  test('do not count the certification of another package, nor one by an author', () => {
    const other = certification('c-1', report, { package: 'package-2' });
    assert.equal(missing({ certifications: [other] })[0][0], 'certification');
    const own = certification('c-1', report, { certifiedBy: ada });
    assert.deepEqual(missing({ certifications: [own] })[0], [
      'separation_of_duties',
      'Ada made churn version 1 and cannot certify it as well',
    ]);
  });

  test('ask for as many approvers as the environment does', () => {
    assert.deepEqual(missing({ approvals: [] }), [['approval', 'churn version 1 lacks the approval of one approver for "production"']]);
    const two = { ...production, approvals: 2 };
    assert.deepEqual(missing({ target: two, approvals: [] }), [
      ['approval', 'churn version 1 lacks the approval of 2 approvers for "production"'],
    ]);
    const twice = [approval('a-2', 'c-1'), approval('a-1', 'c-1')];
    assert.equal(missing({ target: two, approvals: twice }).length, 1, 'one person twice is one approver');
    assert.deepEqual(missing({ target: two, approvals: [approval('a-2', 'c-1', { approvedBy: oscar }), ...complete.approvals] }), []);
  });

  test('do not count an approval of another package or for another environment', () => {
    assert.equal(missing({ approvals: [approval('a-1', 'c-1', { package: 'package-2' })] })[0][0], 'approval');
    assert.equal(missing({ approvals: [approval('a-1', 'c-1', { environment: 'staging' })] })[0][0], 'approval');
  });

  test('ask for an approval anew when newer tests were certified after it', () => {
    const newer = tests('tests-2');
    const change = { applicationTests: [newer, report], certifications: [certification('c-2', newer), ...complete.certifications] };
    assert.deepEqual(missing(change), [
      ['approval', 'Olga approved churn version 1 for "production" before its newest certification: it is to be approved again'],
    ]);
    assert.deepEqual(validApprovals({ ...complete, ...change }), []);
    assert.deepEqual(missing({ ...change, approvals: [approval('a-2', 'c-2'), ...complete.approvals] }), []);
  });

  test('let a refused approval stand until its giver says otherwise', () => {
    const refusal = approval('a-2', 'c-1', { approvedBy: oscar, verdict: 'refused', statement: 'not this quarter' });
    assert.deepEqual(missing({ approvals: [...complete.approvals, refusal] }), [
      ['approval', 'Oscar refused churn version 1 for "production": not this quarter'],
    ]);
    assert.deepEqual(missing({ approvals: [approval('a-3', 'c-1', { approvedBy: oscar }), refusal] }), []);
  });

  test('refuse an approver who made or certified the version', () => {
    for (const approvedBy of [ada, quinn]) {
      assert.deepEqual(missing({ approvals: [approval('a-1', 'c-1', { approvedBy })] }), [
        [
          'separation_of_duties',
          `${approvedBy.name} approved churn version 1 but also made or certified it: author, certifier and approver are three people`,
        ],
      ]);
    }
  });

  test('need no certification where no environment certifies', () => {
    const open: Environment = { name: 'test', position: 0, approvals: 0 };
    const change = { environments: [open, production], applicationTests: [], certifications: [] };
    assert.deepEqual(missing({ ...change, approvals: [approval('a-1', undefined)] }), []);
    assert.equal(missing({ ...change, approvals: [] })[0][0], 'approval');
  });

  test('take back what a refusal withdraws, and nothing else', () => {
    assert.deepEqual(withdrawals(complete, released), []);
    assert.deepEqual(withdrawals({ ...complete, applicationTests: [], certifications: [], approvals: [] }, released), []);
    const refusal = certification('c-2', report, { verdict: 'refused', statement: 'it leaks' });
    assert.deepEqual(
      withdrawals({ ...complete, certifications: [refusal, ...complete.certifications] }, released).map(({ reason }) => reason),
      ['Quinn refused to certify churn version 1: it leaks'],
    );
    assert.equal(withdrawals({ ...complete, approvals: [approval('a-2', 'c-1', { verdict: 'refused' })] }, released)[0].gate, 'approval');
  });
});
