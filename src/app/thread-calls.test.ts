import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { GyreError } from '#core';
import { ThreadCalls } from './thread-calls.ts';

interface Adder {
  add(one: number, other: number): Promise<number>;
  fail(details: object): Promise<never>;
  wait(): Promise<void>;
}

describe('calls between threads', () => {
  test('give results and errors with their codes, and tell who waits when the other side ends', async () => {
    const { port1, port2 } = new MessageChannel();
    const never = Promise.withResolvers<void>();
    const adder: Adder = {
      add: (one, other) => Promise.resolve(one + other),
      fail: (details) => Promise.reject(new GyreError('NOT_FOUND', 'not here', { ...details, twice: () => undefined })),
      wait: () => never.promise,
    };
    const answering = new ThreadCalls(port2, { ...adder });
    const calls = new ThreadCalls<Adder>(port1, {});
    assert.deepEqual(await Promise.all([calls.ask('add', 1, 2), calls.ask('add', 3, 4)]), [3, 7]);
    // A function cannot be sent: the rest of the details can.
    await assert.rejects(calls.ask('fail', { name: 'x' }), { code: 'NOT_FOUND', message: 'not here', details: { name: 'x' } });
    const waiting = calls.ask('wait');
    calls.end('the thread ended');
    await assert.rejects(waiting, { code: 'UNAVAILABLE', message: 'the thread ended' });
    await assert.rejects(calls.ask('add', 1, 1), { code: 'UNAVAILABLE' });
    answering.end('done');
    port1.close();
  });
});
