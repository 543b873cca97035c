import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seeded } from '#core';
import { exp32 } from './exp32.ts';
import { below32, fused } from './float32.ts';

/** A float64 as a whole number of 2^-1200: every sum of products of float32 numbers is such a one. */
function exact(value: number): bigint {
  const bits = new BigInt64Array(Float64Array.of(Math.abs(value)).buffer)[0];
  const exponent = Number(bits >> 52n);
  const fraction = bits & ((1n << 52n) - 1n);
  const whole = exponent === 0 ? fraction : fraction | (1n << 52n);
  const size = whole << BigInt(Math.max(exponent, 1) - 1075 + 1200);
  return value < 0 ? -size : size;
}

/** The float32 number that is nearest to `a * b + c`, found among the three around the sum in float64, by whole numbers. */
function nearest(a: number, b: number, c: number): number {
  const wanted = exact(a * b) + exact(c);
  const guess = Math.fround(a * b + c);
  const off = (value: number): bigint => {
    const difference = exact(value) - wanted;
    return difference < 0n ? -difference : difference;
  };
  const isEven = (value: number): boolean => (new Int32Array(Float32Array.of(value).buffer)[0] & 1) === 0;
  return [below32(guess), -below32(-guess)].reduce((best, each) => {
    const [one, other] = [off(each), off(best)];
    return one < other || (one === other && isEven(each)) ? each : best;
  }, guess);
}

describe('float32 arithmetic', () => {
  test('a product and a sum are rounded once, also where the sum in float64 falls in the middle of two numbers', () => {
    const random = seeded(1);
    let rescued = 0;
    const check = (a: number, b: number, c: number): void => {
      const right = nearest(a, b, c);
      assert.equal(fused(a, b, c), right, `${a} * ${b} + ${c}`);
      if (Math.fround(a * b + c) !== right) rescued++;
    };
    for (let at = 0; at < 10_000; at++) {
      const a = Math.fround((random.int(2) === 0 ? 1 : -1) * (1 + random.int(2 ** 23) * 2 ** -23));
      const b = Math.fround((1 + random.int(2 ** 23) * 2 ** -23) * 2 ** (-random.int(30) - 20));
      check(a, b, Math.fround((1 + random.int(4) * 2 ** -23) * 2 ** -random.int(3)));
    }
    // (1 + e) (1 - e) is 1 but for what float64 cannot say beside an addend that is so much greater.
    for (let at = 1; at < 300; at++) check(1 + at * 2 ** -23, (1 - at * 2 ** -23) * 2 ** -24, 1 + random.int(8) * 2 ** -23);
    assert.ok(rescued > 100, `only ${rescued} sums fell in the middle and were misled`);
    assert.ok(Number.isNaN(fused(NaN, 1, 1)) && Number.isNaN(fused(Infinity, 1, -Infinity)));
    assert.ok(rescued > 0, 'no sum fell in the middle');
    const greatest = (2 - 2 ** -23) * 2 ** 127;
    assert.deepEqual([fused(greatest, 3, 1), fused(greatest, -3, 1), fused(greatest, 1, 2 ** 103)], [Infinity, -Infinity, Infinity]);
    assert.equal(fused(2 ** 100, 2 ** 3 - 2 ** -20, fused(greatest, 1, -(2 ** 100))), fused(greatest, 1, 0));
  });

  test('the next number below is the next by its bits', () => {
    assert.equal(below32(1), 1 - 2 ** -24);
    assert.equal(below32(-1), -1 - 2 ** -23);
    assert.equal(below32(0), -(2 ** -149));
    assert.equal(below32(2 ** -149), 0);
    assert.equal(below32(Infinity), (2 - 2 ** -23) * 2 ** 127);
    assert.equal(below32(-Infinity), -Infinity);
  });

  test('powers of e are within half of the last place and a little', () => {
    const random = seeded(2);
    for (let at = 0; at < 100_000; at++) {
      const x = Math.fround(-104 * random.next() ** 3);
      const right = Math.exp(x);
      const given = exp32(x, true);
      const place = Math.max(-below32(-Math.fround(right)) - Math.fround(right), 2 ** -149);
      assert.ok(Math.abs(given - right) <= 0.503 * place, `exp(${x}) is ${right}, not ${given}`);
    }
    assert.deepEqual([exp32(0, true), exp32(-0, false), exp32(-Infinity, true), exp32(-200, true)], [1, 1, 0, 0]);
  });
});
