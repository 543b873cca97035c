import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { apiDescription } from '#api';
import { pythonMissing, runPython } from './python.ts';

describe('the description of our API', { skip: pythonMissing }, () => {
  test('is valid OpenAPI 3.1 for the validator that the field uses', async () => {
    const { errors } = await runPython<{ errors: readonly string[] }>('openapi_peer.py', apiDescription('0.1.0'));
    assert.deepEqual(errors, []);
  });

  test('would not be, with an answer that does not say what it is', async () => {
    const broken = { ...apiDescription('0.1.0'), paths: { '/x': { get: { responses: { 200: {} } } } } };
    const { errors } = await runPython<{ errors: readonly string[] }>('openapi_peer.py', broken);
    assert.ok(errors.length > 0);
  });
});
