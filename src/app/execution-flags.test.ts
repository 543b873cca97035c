import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { executionOf } from './execution-flags.ts';

describe('options for running models', () => {
  test('become what a manifest says in the same words; what is not said is left to it', () => {
    assert.deepEqual(executionOf({}), {});
    const all = {
      workers: '0-4',
      threads: 'auto',
      engine: 'onnxruntime',
      provider: 'cuda',
      lane: 'workers',
      waitMs: '0',
      idleMs: '100',
      maxBatchRows: '8',
    };
    assert.deepEqual(executionOf({ ...all, maxDelayMs: '2', maxQueued: '10', memoryMib: '512' }), {
      workers: { min: 0, max: 4 },
      threads: 'auto',
      engine: 'onnxruntime',
      provider: 'cuda',
      lane: 'workers',
      waitMs: 0,
      idleMs: 100,
      maxBatchRows: 8,
      maxDelayMs: 2,
      maxQueued: 10,
      memoryMiB: 512,
    });
    assert.deepEqual(executionOf({ workers: '3', threads: '2' }), { workers: { min: 3, max: 3 }, threads: 2 });
  });

  test('are refused by name when they make no sense', () => {
    const refusals = [
      [{ workers: '4-1' }, /--workers must allow at least 1 worker/],
      [{ workers: '0' }, /--workers must allow at least 1/],
      [{ workers: 'many' }, /--workers must be a number or a range/],
      [{ threads: '0' }, /--threads must be a whole number from 1 on, not "0"/],
      [{ provider: 'tpu' }, /--provider must be one of cpu, cuda/],
      [{ lane: 'fast' }, /--lane must be one of inline, workers/],
      [{ idleMs: '1.5' }, /--idle-ms must be a whole number from 100 on/],
      [{ memoryMib: '' }, /--memory-mib must be/],
    ] as const;
    for (const [flags, message] of refusals) assert.throws(() => executionOf(flags), { code: 'INVALID_ARGUMENT', message });
  });
});
