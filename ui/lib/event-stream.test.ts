import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { eventParser } from './event-stream.ts';

describe('the event stream', () => {
  test('is read whatever pieces it comes in', () => {
    const text = 'retry: 2000\n\nid: 7\ndata: {"a":1}\n\n: still here\n\nid: 8\nevent: progress\ndata: one\ndata: two\r\n\r\n';
    const whole = eventParser()(text);
    assert.deepEqual(whole, [
      { id: '7', event: 'message', data: '{"a":1}' },
      { id: '8', event: 'progress', data: 'one\ntwo' },
    ]);
    for (const size of [1, 2, 5, 11]) {
      const parse = eventParser();
      const pieces = Array.from({ length: Math.ceil(text.length / size) }, (_, index) => text.slice(index * size, (index + 1) * size));
      assert.deepEqual(
        pieces.flatMap((piece) => parse(piece)),
        whole,
        `pieces of ${size}`,
      );
    }
  });

  test('keeps the last id for messages without one, and waits for the end of a message', () => {
    const parse = eventParser();
    assert.deepEqual(parse('id: 3\ndata: x\n'), []);
    assert.deepEqual(parse('\ndata: y\n\n'), [
      { id: '3', event: 'message', data: 'x' },
      { id: '3', event: 'message', data: 'y' },
    ]);
  });
});
