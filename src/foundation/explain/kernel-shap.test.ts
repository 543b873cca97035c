import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { coalitionsOf } from './coalitions.ts';
import { fitShapley } from './kernel-shap.ts';

/** What a game pays for a set of players: each his own, and something for a pair. */
const pays = (own: readonly number[], pair: number) => (set: readonly boolean[]) =>
  own.reduce((sum, value, k) => (set[k] ? sum + value : sum), 0) + (set[0] && set[1] ? pair : 0);

describe('KernelSHAP', () => {
  test('of an additive game gives each player his own, whatever part of the coalitions is asked, and an R² of 1', () => {
    const own = Array.from({ length: 15 }, (_, k) => Math.sin(k + 1));
    for (const budget of [2 ** 15, 1000, 200]) {
      const coalitions = coalitionsOf(15, budget);
      assert.ok(coalitions.sets.length <= budget && coalitions.isAll === (budget === 2 ** 15));
      const game = pays(own, 0);
      const { values, r2 } = fitShapley(coalitions, coalitions.sets.map(game), 0, game(own.map(() => true)));
      values.forEach((value, k) => assert.ok(Math.abs(value - own[k]) < 1e-9));
      assert.ok(Math.abs(r2 - 1) < 1e-9);
    }
  });

  test('splits what a pair gets between the two, and says by its R² that sums do not tell it all', () => {
    const own = [1, 2, 3, 4];
    const coalitions = coalitionsOf(4, 100);
    const game = pays(own, 6);
    const { values, r2 } = fitShapley(coalitions, coalitions.sets.map(game), 0, game([true, true, true, true]));
    [4, 5, 3, 4].forEach((value, k) => assert.ok(Math.abs(values[k] - value) < 1e-9));
    assert.ok(r2 < 1 && r2 > 0.5);
  });

  test('takes the smallest sets and their complements whole before it draws, weighs all sets as one, and draws the same each time', () => {
    const { sets, weights } = coalitionsOf(12, 500);
    const sizes = sets.map((set) => set.filter(Boolean).length);
    for (const [size, count] of [[1, 12], [11, 12], [2, 66], [10, 66]]) assert.equal(sizes.filter((each) => each === size).length, count); // prettier-ignore
    assert.equal(new Set(sets.map((set) => set.map(Number).join(''))).size, sets.length);
    // The sum over all sizes s of (M - 1) / (s (M - s)).
    const whole = Array.from({ length: 11 }, (_, at) => 11 / ((at + 1) * (11 - at))).reduce((sum, mass) => sum + mass, 0);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    assert.ok(Math.abs(total - whole) < 1e-9, `${total}, ${whole}`);
    assert.deepEqual(coalitionsOf(12, 500).sets, sets);
  });
});
