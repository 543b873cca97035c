import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Grant } from '#contract';
import { sha256 } from '#core';
import { openBench } from './testing.ts';
import type { Bench } from './testing.ts';

describe('permissions on single records by our own API', () => {
  let bench: Bench;
  let experiment: string;
  before(async () => {
    bench = await openBench({ allowLocal: true });
    experiment = (await bench.deps.training.ensureExperiment('churn')).id;
  });
  after(() => bench[Symbol.asyncDispose]());

  const list = async (query: string, token?: string): Promise<{ items: readonly Grant[]; default: string }> => {
    const response = await bench.ask(`/api/v1/grants${query}`, token === undefined ? {} : { token });
    assert.equal(response.status, 200, await response.clone().text());
    return (await response.json()) as { items: readonly Grant[]; default: string };
  };
  const put = (identity: string, level: string, token: string, record = experiment): Promise<Response> =>
    bench.ask('/api/v1/grants', { method: 'PUT', token, body: { kind: 'experiment', record, identity, level } });
  const words = async (response: Response): Promise<string> => ((await response.json()) as { detail: string }).detail;

  test('are granted, changed, seen and revoked by an admin, by name', async () => {
    const { admin } = bench.tokens;
    const granted = (await (await put('the-qa', 'READ', admin)).json()) as Grant;
    assert.deepEqual([granted.identityName, granted.level, granted.record], ['the-qa', 'READ', experiment]);
    assert.equal((await put('the-qa', 'DENY', admin)).status, 200);
    const all = await list('', admin);
    assert.deepEqual([all.default, all.items.map(({ level }) => level)], ['ROLES', ['DENY']]);
    const revoke = (): Promise<Response> =>
      bench.ask(`/api/v1/grants?kind=experiment&record=${experiment}&identity=the-qa`, { method: 'DELETE', token: admin });
    assert.deepEqual(await (await revoke()).json(), { revoked: true });
    assert.equal((await revoke()).status, 404);
  });

  test('are on records that are there: a name mistyped is no grant', async () => {
    const { admin } = bench.tokens;
    assert.match(await words(await put('the-qa', 'READ', admin, '4711')), /no experiment with the id "4711"/);
    assert.equal((await put('the-qa', 'READ', admin, '*')).status, 200);
    const model = { kind: 'registered_model', record: 'none', identity: 'the-qa', level: 'READ' };
    assert.equal((await bench.ask('/api/v1/grants', { method: 'PUT', token: admin, body: model })).status, 404);
    assert.equal((await put('the-qa', 'ALL', admin)).status, 400);
  });

  test('are seen by everybody as far as they are theirs, and by who manages the record', async () => {
    const { admin, qa } = bench.tokens;
    const scientist = bench.tokens['data-scientist'];
    await put('the-qa', 'READ', admin);
    await put('the-data-scientist', 'MANAGE', admin);
    assert.deepEqual(
      (await list('', scientist)).items.map(({ level }) => level),
      ['MANAGE'],
    );
    const onRecord = `?kind=experiment&record=${experiment}`;
    assert.deepEqual(
      (await list(onRecord, scientist)).items.map(({ identityName }) => identityName),
      ['the-data-scientist', 'the-qa'],
    );
    assert.deepEqual(
      (await list(onRecord, qa)).items.map(({ identityName }) => identityName),
      ['the-qa'],
    );
    assert.equal((await bench.ask('/api/v1/grants?identity=the-qa', { token: scientist })).status, 403);
    assert.equal((await put('the-operator', 'READ', scientist)).status, 200);
    assert.match(await words(await put('the-operator', 'READ', bench.tokens['ml-engineer'])), /MANAGE on the experiment/);
    assert.deepEqual((await list('')).items, []);
  });

  test('are the maker’s on each new experiment and model, however it was made, and end with it', async () => {
    const token = bench.tokens['ml-engineer'];
    const { identity } = (await (await bench.ask('/api/v1/whoami', { token })).json()) as { identity: { id: string; name: string } };
    const by = { identity: identity.id, name: identity.name };
    const { training, registry } = bench.deps;
    assert.equal((await bench.ask('/api/v1/models', { method: 'POST', token, body: { name: 'by-api' } })).status, 200);
    assert.equal(
      (await bench.ask('/api/2.0/mlflow/registered-models/create', { method: 'POST', token, body: { name: 'by-client' } })).status,
      200,
    );
    const environment = { gyre: '0.1.0', node: '26.10.0', platform: 'linux-x64', lock: sha256('package-lock.json') };
    await training.startRun({ experiment: 'of-a-run', code: { commit: null, dirty: false }, environment, by });
    const { id: tracked } = await training.tracking.createExperiment({ name: 'tracked', by });
    const managed = async (): Promise<readonly string[]> =>
      (await list('', token)).items.filter(({ level }) => level === 'MANAGE').map(({ record }) => record);
    const ofRun = (await training.tracking.experimentNamed('of-a-run'))?.id;
    assert.deepEqual(await managed(), [ofRun, tracked, 'by-api', 'by-client']);
    await registry.renameModel({ name: 'by-api', to: 'renamed', by });
    await registry.deleteModel({ name: 'by-client', by });
    assert.deepEqual(await managed(), [ofRun, tracked, 'renamed']);
  });

  test('roles are set by an admin, and count at once', async () => {
    const set = (roles: readonly string[], token: string): Promise<Response> =>
      bench.ask('/api/v1/identities/the-stakeholder/roles', { method: 'PUT', token, body: { roles } });
    assert.equal((await set(['operator'], bench.tokens.operator)).status, 403);
    assert.equal((await set([], bench.tokens.admin)).status, 400);
    assert.equal((await set(['operator'], bench.tokens.admin)).status, 200);
    const me = (await (await bench.ask('/api/v1/whoami', { token: bench.tokens.stakeholder })).json()) as {
      permissions: readonly string[];
    };
    assert.ok(me.permissions.includes('release'));
    assert.match(
      await words(
        await bench.ask('/api/v1/identities/the-admin/roles', { method: 'PUT', token: bench.tokens.admin, body: { roles: ['qa'] } }),
      ),
      /last admin/,
    );
  });
});
