import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { giveBack, largeBytes, unfilledBuffer } from './large-bytes.ts';

describe('large bytes', () => {
  test('that are given back leave whoever still looks at them with nothing, and never with what is put there next', () => {
    const buffer = unfilledBuffer(largeBytes);
    const [whole, part] = [new Uint8Array(buffer).fill(7), new Float32Array(buffer, 8, 2)];
    giveBack(part);
    assert.deepEqual([whole.length, part.length, whole[0]], [0, 0, undefined]);
    // Twice is once.
    giveBack(whole);
  });

  test('are a buffer of exactly so many bytes, which no other array shows', () => {
    for (const size of [0, 1, largeBytes - 1, largeBytes, 110_595]) assert.equal(unfilledBuffer(size).byteLength, size);
  });

  test('are counted no more as soon as they are given back', () => {
    const before = process.memoryUsage().arrayBuffers;
    for (let round = 0; round < 400; round++) giveBack(new Uint8Array(unfilledBuffer(1024 * 1024)).fill(1));
    // 400 MB came and went: a collector would have left some of it.
    assert.ok(process.memoryUsage().arrayBuffers - before < 8 * 1024 * 1024);
  });

  test('that are small, or shared between threads, stay as they are', () => {
    const [small, shared] = [new Uint8Array(largeBytes - 1), new Uint8Array(new SharedArrayBuffer(largeBytes))];
    giveBack(small);
    giveBack(shared);
    assert.deepEqual([small.length, shared.length], [largeBytes - 1, largeBytes]);
  });
});
