import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { faultAt, hasCode, noFaults } from './index.ts';

describe('a fault', () => {
  test('strikes when its point is passed for the nth time, and only then', () => {
    const struck: string[] = [];
    const faults = faultAt('blob.fsync:2', (point) => struck.push(point));
    for (const point of ['blob.fsync', 'blob.write', 'blob.fsync', 'blob.fsync'] as const) faults.at(point);
    assert.deepEqual(struck, ['blob.fsync']);
  });

  test('by * counts all points together', () => {
    const struck: string[] = [];
    const faults = faultAt('*:3', (point) => struck.push(point));
    for (const point of ['blob.write', 'blob.fsync', 'blob.rename', 'blob.dirsync'] as const) faults.at(point);
    assert.deepEqual(struck, ['blob.rename']);
    noFaults.at('blob.write');
  });

  test('that names no point or no count is refused', () => {
    for (const spec of ['', 'blob.write', 'blob.write:0', 'blob.write:x', 'nowhere:1']) {
      assert.throws(
        () => faultAt(spec, () => undefined),
        (error) => hasCode(error, 'INVALID_ARGUMENT'),
        spec,
      );
    }
  });
});
