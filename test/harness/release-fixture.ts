/** The people that a release needs, and its way to production over HTTP. */
import assert from 'node:assert/strict';
import type { ApplicationTestReport, Identity, IssuedToken, ModelVersion } from '#contract';
import { caller, type Up } from './gyre-fixture.ts';

type Person = Pick<Up, 'get' | 'post'>;

async function personWith(house: Up, name: string, roles: readonly Identity['roles'][number][]): Promise<Person> {
  const made = await house.post<Identity>('identities', { name, roles });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const issued = await house.post<IssuedToken>(`identities/${made.body.id}/tokens`, { label: 'test' });
  assert.equal(issued.status, 201, JSON.stringify(issued.body));
  return caller(house.address, issued.body.secret);
}

async function ok<T>(answer: Promise<{ readonly status: number; readonly body: T }>): Promise<T> {
  const { status, body } = await answer;
  assert.ok(status < 300, JSON.stringify(body));
  return body;
}

/** Takes a version, whose author is the owner, through tests, certification and approval into production. */
export async function releaseVersion(
  house: Up,
  model: string,
  version: number | string,
  [certifier, approving] = ['quentin', 'olga'],
): Promise<ModelVersion> {
  const found = await house.get<ModelVersion>(`models/${model}/versions/${version}`);
  const qa = await personWith(house, certifier, ['qa']);
  const approver = await personWith(house, approving, ['approver']);
  await ok(house.post('environments/test/deploy', { modelVersion: found.id, reason: 'test' }));
  const report = await ok(qa.post<ApplicationTestReport>('environments/test/tests', {}));
  assert.ok(report.passed, JSON.stringify(report.checks.filter(({ passed }) => !passed)));
  await ok(qa.post('certifications', { report: report.id, verdict: 'certified', statement: 'fine' }));
  await ok(approver.post('approvals', { modelVersion: found.id, environment: 'production', verdict: 'approved', statement: 'go' }));
  await ok(house.post('environments/production/release', { modelVersion: found.id, reason: 'test' }));
  return found;
}
