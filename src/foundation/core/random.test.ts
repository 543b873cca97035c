import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seedOf, seeded } from './random.ts';

/**
 * xoshiro128** as its authors publish it (https://prng.di.unimi.it/xoshiro128starstar.c), in BigInt: another arithmetic than
 * the one under test, so that a slip in its 32-bit tricks shows.
 */
function publishedXoshiro128(state: readonly [bigint, bigint, bigint, bigint]): () => bigint {
  const mask = 0xffffffffn;
  const rotl = (x: bigint, k: bigint): bigint => ((x << k) | (x >> (32n - k))) & mask;
  const s = [...state];
  return () => {
    const result = (rotl((s[1] * 5n) & mask, 7n) * 9n) & mask;
    const t = (s[1] << 9n) & mask;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 11n);
    return result;
  };
}

/** SplitMix32 in BigInt, with the constants of its published form (golden ratio increment, two xor-multiply rounds). */
function publishedSplitMix32(seed: number): () => bigint {
  const mask = 0xffffffffn;
  let state = BigInt(seed >>> 0);
  return () => {
    state = (state + 0x9e3779b9n) & mask;
    let z = state;
    z = ((z ^ (z >> 16n)) * 0x21f0aaadn) & mask;
    z = ((z ^ (z >> 15n)) * 0x735a2d97n) & mask;
    return (z ^ (z >> 15n)) & mask;
  };
}

const draws = (count: number, draw: () => number): number[] => Array.from({ length: count }, draw);
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('a seeded source of chance', () => {
  test('the reference gives the published first values of xoshiro128** from the state 1, 2, 3, 4', () => {
    // The vector that the rand_xoshiro crate checks against the authors' C code.
    const next = publishedXoshiro128([1n, 2n, 3n, 4n]);
    const expected = [11520n, 0n, 5927040n, 70819200n, 2031721883n, 1637235492n, 1287239034n, 3734860849n, 3729100597n, 4258142804n];
    assert.deepEqual(
      expected.map(() => next()),
      expected,
    );
  });

  test('is xoshiro128** with a state from SplitMix32, 53 bits a number', () => {
    for (const seed of [0, 1, 42, 0xffffffff, -7, 123456789]) {
      const mix = publishedSplitMix32(seed);
      const next32 = publishedXoshiro128([mix(), mix(), mix(), mix()]);
      const random = seeded(seed);
      for (let i = 0; i < 500; i++) {
        const high = next32() >> 5n;
        const low = next32() >> 6n;
        assert.equal(random.next(), Number(high * 67108864n + low) / 2 ** 53, `seed ${seed}, number ${i}`);
      }
    }
  });

  test('gives the same sequence again from the same seed and another from another', () => {
    const twenty = (seed: number): number[] => {
      const random = seeded(seed);
      return draws(20, () => random.next());
    };
    assert.deepEqual(twenty(7), twenty(7));
    assert.notDeepEqual(twenty(7), twenty(8));
  });

  test('is uniform: a chi-square test over 64 bins finds nothing', () => {
    const counts = new Array<number>(64).fill(0);
    const random = seeded(2024);
    const total = 64_000;
    for (let i = 0; i < total; i++) counts[Math.floor(random.next() * 64)] += 1;
    const expected = total / 64;
    const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    // The 0.1 % and 99.9 % points of the chi-square law with 63 degrees of freedom (scipy.stats.chi2.ppf).
    assert.ok(chiSquare > 34.6 && chiSquare < 103.4, `chi-square ${chiSquare}`);
  });

  test('draws integers below the bound, each about as often', () => {
    const random = seeded(3);
    const counts = [0, 0, 0, 0, 0, 0];
    for (let i = 0; i < 60_000; i++) counts[random.int(6)] += 1;
    // Five standard deviations of a binomial count: 5 * sqrt(60000 * 1/6 * 5/6).
    for (const count of counts) assert.ok(Math.abs(count - 10_000) < 457, `counts ${counts.join(', ')}`);
    assert.equal(random.int(1), 0);
  });

  test('draws standard normal values: their first four moments are right', () => {
    const random = seeded(11);
    const values = draws(100_000, () => random.normal());
    const average = mean(values);
    const central = (power: number): number => mean(values.map((value) => (value - average) ** power));
    // Five standard errors for n = 100,000: 1/sqrt(n), sqrt(2/n), sqrt(6/n), sqrt(24/n).
    assert.ok(Math.abs(average) < 0.016, `mean ${average}`);
    assert.ok(Math.abs(central(2) - 1) < 0.023, `variance ${central(2)}`);
    assert.ok(Math.abs(central(3) / central(2) ** 1.5) < 0.039, `skewness ${central(3)}`);
    assert.ok(Math.abs(central(4) / central(2) ** 2 - 3) < 0.078, `kurtosis ${central(4)}`);
  });

  test('shuffles arrays and typed arrays in place, into each order about as often', () => {
    const random = seeded(5);
    const seen = new Map<string, number>();
    for (let i = 0; i < 24_000; i++) {
      const items = Uint8Array.of(1, 2, 3, 4);
      random.shuffle(items);
      const order = items.join('');
      seen.set(order, (seen.get(order) ?? 0) + 1);
    }
    assert.equal(seen.size, 24);
    // Five standard deviations of a binomial count: 5 * sqrt(24000 * 1/24 * 23/24).
    for (const [order, count] of seen) assert.ok(Math.abs(count - 1000) < 155, `${order}: ${count}`);
  });
});

describe('a seed from names', () => {
  test('is 32 bits, stable, and told apart by each part and by where the parts end', () => {
    const seeds = [
      seedOf(7, 'bootstrap'),
      seedOf(7, 'split'),
      seedOf(8, 'bootstrap'),
      seedOf('7b', 'ootstrap'),
      seedOf('7', 'b', 'ootstrap'),
      seedOf(),
    ];
    assert.equal(new Set(seeds).size, seeds.length);
    for (const seed of seeds) assert.ok(Number.isInteger(seed) && seed >= 0 && seed <= 0xffffffff);
    assert.equal(seedOf(7, 'bootstrap'), seedOf(7, 'bootstrap'));
  });

  test('gives neighbours unrelated streams', () => {
    const firsts = Array.from({ length: 2000 }, (_, index) => seeded(seedOf(index, 'trial')).next());
    // Uniform: the mean of 2000 values has a standard error of 0.0065.
    assert.ok(Math.abs(mean(firsts) - 0.5) < 0.033);
    assert.equal(new Set(firsts).size, firsts.length);
  });
});
