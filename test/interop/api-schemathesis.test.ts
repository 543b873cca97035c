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

/** One answers until somebody goes away, the other says 504 when a query takes longer than the caller allows. */
const left = ['/api/v1/events/stream', '/api/v1/sql'];
/** By the beginnings of their names, so that each part ends within the time of a test. */
const parts = ['[a-d]', '[e-l]', 'm', '[n-q]', 'r', '[s-z]'];

describe('our API, asked by schemathesis', { skip: pythonMissing }, () => {
  for (const part of parts) {
    test(`answers on /api/v1/${part}… whatever its messages may hold, and what they may not, without failing itself`, async () => {
      await using bench = await openBench();
      const given = {
        document: apiDescription('0.1.0'),
        address: bench.address,
        token: bench.tokens.admin,
        examples: 1,
        phases: 'coverage',
        only: `^/api/v1/${part}`,
        left,
      };
      const { code, cases, output } = await runPython<Asked>('schemathesis_peer.py', given, { timeoutMs: 580_000 });
      assert.equal(code, 0, output);
      assert.ok(cases > 50, output);
    });
  }
});
