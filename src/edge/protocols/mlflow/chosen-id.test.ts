import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { GyreError, hasCode } from '#core';
import { chosenId, makeOnce } from './chosen-id.ts';

const form = /^[0-9a-f]{32}$/;
const taken = async (): Promise<string> => {
  throw new GyreError('ALREADY_EXISTS', 'it is there');
};

describe('an id that a relay chose', () => {
  test('is taken in the form of its kind, and in no other', () => {
    assert.equal(chosenId({ headers: {} }, form), undefined);
    assert.equal(chosenId({ headers: { 'gyre-id': 'a'.repeat(32) } }, form), 'a'.repeat(32));
    for (const id of ['', 'A'.repeat(32), '../../x', 'a'.repeat(33)])
      assert.throws(
        () => chosenId({ headers: { 'gyre-id': id } }, form),
        (error) => hasCode(error, 'INVALID_ARGUMENT'),
      );
  });

  test('leads to what it made before, when the answer to that was lost', async () => {
    assert.equal(await makeOnce('x', taken, async () => 'the first'), 'the first');
    await assert.rejects(
      makeOnce('x', taken, async () => undefined),
      (error) => hasCode(error, 'ALREADY_EXISTS'),
    );
    await assert.rejects(
      makeOnce(undefined, taken, async () => 'the first'),
      (error) => hasCode(error, 'ALREADY_EXISTS'),
    );
  });
});
