import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { importances, ranks } from './importance.ts';

describe('the importance of parameters', () => {
  test('is the rank correlation of numbers: any rising course counts in full', () => {
    const runs = [1, 2, 3, 4, 5].map((lr) => ({
      parameters: { lr: String(lr), same: '1' },
      value: -(lr ** 3),
    }));
    assert.deepEqual(importances(runs), [{ parameter: 'lr', strength: 1, direction: 'falls' }]);
  });

  test('of words is the share of the order that lies between them; one word for each run is left out', () => {
    const runs = ['a', 'a', 'b', 'b'].map((kind, at) => ({
      parameters: { kind, name: `n${at}` },
      value: at,
    }));
    const [kind, ...others] = importances(runs);
    // ranks 1.5 and 3.5 against 1, 2, 3, 4: 4 of 5
    assert.ok(kind !== undefined && Math.abs(kind.strength - Math.sqrt(0.8)) < 1e-12);
    assert.deepEqual(others, []);
  });

  test('equal values share their ranks, and few runs say nothing', () => {
    assert.deepEqual(ranks([5, 1, 5, 2]), [3.5, 1, 3.5, 2]);
    assert.deepEqual(importances([{ parameters: { a: 1 }, value: 1 }]), []);
  });
});
