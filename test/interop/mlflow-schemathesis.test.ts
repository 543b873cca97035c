import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { mlflowDescription, mlflowRoutes } from '#mlflow';
import { openBench } from '../harness/api-fixture.ts';
import { pythonMissing, runPython } from './python.ts';

interface Asked {
  readonly code: number;
  readonly cases: number;
  readonly output: string;
}

describe('the MLflow API, asked by schemathesis', { skip: pythonMissing }, () => {
  test('answers whatever its messages may hold, and what they may not, without failing itself', async () => {
    await using bench = await openBench();
    const document = mlflowDescription(mlflowRoutes(bench.deps), '0.1.0');
    const given = { document, address: bench.address, token: bench.tokens['data-scientist'], examples: 6 };
    const { code, cases, output } = await runPython<Asked>('schemathesis_peer.py', given, { timeoutMs: 580_000 });
    assert.equal(code, 0, output);
    assert.ok(cases > 1000, output);
  });

  test('is described as valid OpenAPI', async () => {
    await using bench = await openBench();
    const { errors } = await runPython<{ errors: readonly string[] }>(
      'openapi_peer.py',
      mlflowDescription(mlflowRoutes(bench.deps), '0.1.0'),
    );
    assert.deepEqual(errors, []);
  });
});
