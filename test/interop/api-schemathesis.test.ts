import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { apiDescription } from '#api';
import { openBench } from '../harness/api-fixture.ts';
import { pythonMissing, runPython } from './python.ts';

interface Asked {
  readonly code: number;
  readonly cases: number;
  readonly output: string;
}

/** They answer until somebody goes away. */
const streams = ['/api/v1/events/stream'];

describe('our API, asked by schemathesis', { skip: pythonMissing }, () => {
  test('answers whatever its messages may hold, and what they may not, without failing itself', async () => {
    await using bench = await openBench();
    const given = {
      document: apiDescription('0.1.0'),
      address: bench.address,
      token: bench.tokens.admin,
      examples: 1,
      phases: 'coverage',
      left: streams,
    };
    const { code, cases, output } = await runPython<Asked>('schemathesis_peer.py', given, { timeoutMs: 580_000 });
    assert.equal(code, 0, output);
    assert.ok(cases > 1000, output);
  });
});
