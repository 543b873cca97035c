import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isGyreError } from '#core';
import { exchange } from './exchange.ts';
import { integer, required, text } from './message.ts';
import type { GuardedCall } from './port.ts';

const route = exchange({
  method: 'POST',
  path: '/2.0/mlflow/things',
  permission: 'read',
  request: { name: required(text), step: integer },
  run: async ({ name, step }) => ({ name, step }),
});

function callWith(json: string): GuardedCall {
  return {
    method: 'POST',
    params: {},
    query: new URLSearchParams(),
    headers: { 'content-type': 'application/json' },
    address: '',
    body: bytes(json),
    guard: { permit: async () => undefined },
  };
}

async function* bytes(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

async function refusal(json: string): Promise<string> {
  try {
    await route.handle(callWith(json));
  } catch (error) {
    assert.ok(isGyreError(error));
    return error.message;
  }
  return 'answered';
}

describe('a route that takes a message', () => {
  test('tells a number of the wrong type as it was sent', async () => {
    assert.match(await refusal('{"name": 9.0}'), /^Invalid value 9\.0 for parameter 'name' .*'float'/);
    assert.match(await refusal('{"name": 9}'), /^Invalid value 9 for parameter 'name' .*'int'/);
    assert.match(await refusal('{"name": [9.5]}'), /^Invalid value \[9\.5\] for parameter 'name' .*'list'/);
  });

  test('reads a message that is text inside JSON, as old clients send it', async () => {
    const { body } = await route.handle(callWith(JSON.stringify(JSON.stringify({ name: 'a', step: '3' }))));
    assert.equal(body, '{"name":"a","step":3}');
  });
});
