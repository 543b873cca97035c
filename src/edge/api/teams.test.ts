import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Team } from '#contract';
import { openBench } from './testing.ts';
import type { Bench } from './testing.ts';

describe('teams by our own API', () => {
  let bench: Bench;
  let experiment: string;
  before(async () => {
    bench = await openBench({ allowLocal: true });
    experiment = (await bench.deps.training.ensureExperiment('churn')).id;
  });
  after(() => bench[Symbol.asyncDispose]());

  const ask = (method: string, path: string, body?: object, token = bench.tokens.admin): Promise<Response> =>
    bench.ask(`/api/v1/teams${path}`, { method, token, ...(body === undefined ? {} : { body }) });
  const list = async (query: string, token: string | undefined): Promise<readonly string[]> => {
    const response = await bench.ask(`/api/v1/teams${query}`, token === undefined ? {} : { token });
    assert.equal(response.status, 200, await response.clone().text());
    return ((await response.json()) as { items: readonly Team[] }).items.map(({ name }) => name);
  };
  const mayQaRead = async (): Promise<number> =>
    (await bench.ask(`/api/2.0/mlflow/experiments/get?experiment_id=${experiment}`, { token: bench.tokens.qa })).status;

  test('are made by an admin, who says what they are granted and who belongs to them', async () => {
    assert.equal((await ask('POST', '', { name: 'barred', description: 'not yet cleared' })).status, 201);
    assert.equal((await ask('PUT', '/barred/grants', { kind: 'experiment', record: experiment, level: 'DENY' })).status, 200);
    assert.equal(await mayQaRead(), 200);
    assert.equal((await ask('POST', '/barred/members', { identity: 'the-qa' })).status, 201);
    assert.equal(await mayQaRead(), 403);
    assert.deepEqual(await list('', bench.tokens.qa), ['barred']);
    assert.deepEqual(await list('', bench.tokens.operator), []);
    assert.deepEqual(await list('', undefined), []);
    assert.deepEqual(await list('?identity=the-qa', bench.tokens.admin), ['barred']);
    assert.equal((await ask('DELETE', '/barred/members/the-qa')).status, 200);
    assert.equal(await mayQaRead(), 200);
    assert.equal((await ask('DELETE', `/barred/grants?kind=experiment&record=${experiment}`)).status, 200);
    assert.equal(((await (await ask('PUT', '/barred', { name: 'cleared' })).json()) as Team).description, 'not yet cleared');
    assert.equal((await ask('DELETE', '/cleared')).status, 200);
    assert.deepEqual(await list('', bench.tokens.admin), []);
  });

  test('are for nobody else to change, and are granted things on records that are there', async () => {
    await ask('POST', '', { name: 'risk' });
    const { operator } = bench.tokens;
    assert.equal((await ask('POST', '', { name: 'mine' }, operator)).status, 403);
    assert.equal((await ask('POST', '/risk/members', { identity: 'the-operator' }, operator)).status, 403);
    assert.equal((await bench.ask('/api/v1/teams?identity=the-qa', { token: operator })).status, 403);
    assert.equal((await ask('PUT', '/risk/grants', { kind: 'experiment', record: '4711', level: 'READ' })).status, 404);
    assert.equal((await ask('PUT', '/risk/grants', { kind: 'experiment', record: '*', level: 'READ' })).status, 200);
    assert.equal((await ask('POST', '/risk/members', { identity: 'eve' })).status, 404);
    assert.equal((await ask('PUT', '/none', { name: 'x' })).status, 404);
    assert.equal((await ask('POST', '', { name: ' ' })).status, 400);
  });
});
