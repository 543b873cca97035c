import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isGyreError } from '#core';
import { laterRoutes } from './later-routes.ts';
import type { MlflowCall } from './port.ts';

/** How a path that no other route took is refused. */
async function refusal(method: string, pattern: string, rest: string): Promise<string> {
  const route = laterRoutes([]).find((one) => one.method === method && one.path === pattern);
  assert.ok(route, `${method} ${pattern}`);
  const call: MlflowCall = { method, params: { '*': rest }, query: new URLSearchParams(), headers: {}, address: '', body: nothing() };
  try {
    await route.handle(call);
  } catch (error) {
    assert.ok(isGyreError(error));
    return error.code;
  }
  return 'answered';
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

describe('what the protocol knows and this server does not answer', () => {
  test('is said to be so, with parameters, with slashes in them, and where only the pages of MLflow ask', async () => {
    assert.equal(await refusal('POST', '/3.0/*', 'mlflow/traces/search'), 'UNIMPLEMENTED');
    assert.equal(await refusal('DELETE', '/3.0/*', 'mlflow/traces/tr-1/assessments/a-2'), 'UNIMPLEMENTED');
    assert.equal(await refusal('GET', '/2.0/*', 'mlflow-artifacts/presigned/1/abc/model.onnx'), 'UNIMPLEMENTED');
    assert.equal(await refusal('POST', '/3.0/*', 'mlflow/scorer/invoke'), 'UNIMPLEMENTED');
    assert.equal(await refusal('POST', '/gateway/*', 'chat/mlflow/invocations'), 'UNIMPLEMENTED');
    assert.equal(await refusal('POST', '/graphql', ''), 'UNIMPLEMENTED');
  });

  test('is another answer than for what the protocol does not know', async () => {
    assert.equal(await refusal('POST', '/3.0/*', 'mlflow/traces/search/more'), 'NOT_FOUND');
    assert.equal(await refusal('PUT', '/2.0/*', 'mlflow/runs/create'), 'NOT_FOUND');
    assert.equal(await refusal('GET', '/2.0/*', ''), 'NOT_FOUND');
  });

  test('leaves to a route that is answered what it answers', () => {
    const answered = {
      method: 'GET',
      path: '/get-artifact',
      permission: 'read',
      isGuarded: true,
      handle: async () => ({ status: 200, headers: {}, body: '' }),
    } as const;
    const left = laterRoutes([answered]).filter(({ path }) => path === '/get-artifact');
    assert.deepEqual(
      left.map(({ method }) => method),
      ['POST', 'PUT', 'PATCH', 'DELETE'],
    );
  });
});
