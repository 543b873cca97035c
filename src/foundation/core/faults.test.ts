import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { faultAt, faultPoints, noFaults } from './faults.ts';

describe('a fault', () => {
  test('strikes once, when its point is passed for the nth time', () => {
    const struck: string[] = [];
    const faults = faultAt('blob.rename:2', (point) => struck.push(point));
    faults.at('blob.rename');
    faults.at('blob.write');
    assert.deepEqual(struck, []);
    faults.at('blob.rename');
    faults.at('blob.rename');
    assert.deepEqual(struck, ['blob.rename']);
  });

  test('at any point counts all of them together', () => {
    const struck: string[] = [];
    const faults = faultAt('*:3', (point) => struck.push(point));
    for (const point of ['blob.write', 'blob.fsync', 'blob.rename', 'blob.write'] as const) faults.at(point);
    assert.deepEqual(struck, ['blob.rename']);
  });

  test('is refused when it names no point or no count', () => {
    for (const spec of ['', 'blob.write', 'blob.write:0', 'blob.write:1.5', 'blob.write:x', 'nowhere:1']) {
      assert.throws(() => faultAt(spec, () => undefined), /is no fault: <point>:<n> is needed/, spec);
    }
  });

  test('does not happen outside of kill tests', () => {
    for (const point of faultPoints) assert.equal(noFaults.at(point), undefined);
  });
});
