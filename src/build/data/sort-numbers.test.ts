import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seeded } from '#core';
import { sortNumbers } from './sort-numbers.ts';

describe('sorting numbers', () => {
  test('gives what the library gives, however they lie', () => {
    const random = seeded(3);
    const laws: Record<string, (i: number) => number> = {
      even: () => random.next() * 100 - 30,
      crowded: () => Math.exp(random.next() * 40),
      'few values': () => Math.floor(random.next() * 7) / 2,
      'whole numbers': () => Math.floor(random.next() * 30_000) - 1000,
      'wide whole numbers': () => Math.floor(random.next() * 1e15),
      tiny: () => random.next() * 5e-324 * 1000,
      'with infinities': (i) => (i % 1000 === 0 ? -Infinity : i % 999 === 0 ? Infinity : random.next()),
      one: () => 4,
      'most of them far off': (i) => (i === 7 ? 1e300 : random.next()),
    };
    for (const [law, draw] of Object.entries(laws)) {
      for (const length of [0, 1, 50, 20_000]) {
        const values = Float64Array.from({ length }, (_, i) => draw(i));
        assert.deepEqual(sortNumbers(values.slice()), values.slice().sort(), `${law}, ${length}`);
      }
    }
  });
});
