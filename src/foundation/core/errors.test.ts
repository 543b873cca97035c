import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { GyreError, errorCodes, hasCode, isGyreError, messageOf } from './errors.ts';

describe('an error of ours', () => {
  test('carries its code, message, details and cause', () => {
    const cause = new Error('disk');
    const error = new GyreError('NOT_FOUND', 'no model "churn"', { name: 'churn' }, { cause });
    assert.equal(error.name, 'GyreError');
    assert.equal(error.code, 'NOT_FOUND');
    assert.deepEqual(error.details, { name: 'churn' });
    assert.equal(error.cause, cause);
    assert.deepEqual(new GyreError('INTERNAL', 'x').details, {});
  });

  test('is known by its code, not by its class', () => {
    const foreign = Object.assign(new Error('no such run'), { code: 'NOT_FOUND' });
    assert.equal(isGyreError(foreign), true);
    assert.equal(hasCode(foreign, 'NOT_FOUND'), true);
    assert.equal(hasCode(foreign, 'ABORTED'), false);
  });

  test('is not confused with errors of Node or with what is no error', () => {
    const missing = Object.assign(new Error('x'), { code: 'ENOENT' });
    for (const value of [missing, new Error('x'), { code: 'NOT_FOUND', message: 'x' }, 'NOT_FOUND', null, undefined, 5]) {
      assert.equal(isGyreError(value), false);
    }
  });

  test('keeps its message when it crosses a thread', async () => {
    const { port1, port2 } = new MessageChannel();
    port1.postMessage(new GyreError('ABORTED', 'the run was cancelled'));
    const [received] = (await once(port2, 'message')) as [unknown];
    port1.close();
    assert.equal(messageOf(received), 'the run was cancelled');
  });

  test('has one of gRPC’s canonical codes, each listed once', () => {
    assert.equal(new Set(errorCodes).size, errorCodes.length);
    // google.rpc.Code without OK, and without UNKNOWN: we always know what to call a failure.
    const canonical =
      'CANCELLED INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED UNAUTHENTICATED RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS';
    assert.deepEqual([...errorCodes].sort(), canonical.split(' ').sort());
  });

  test('has a message whatever was thrown', () => {
    assert.equal(messageOf(new Error('x')), 'x');
    assert.equal(messageOf('plain'), 'plain');
    assert.equal(messageOf(undefined), 'undefined');
  });
});
