import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seeded } from '#core';
import { bitsApart, nearBits, nearGroups } from './near-hashes.ts';

const hex = (bits: bigint): string => bits.toString(16).padStart(16, '0');

/** Hashes of many pictures, and of each some that differ in a few bits, in any order. */
function hashes(pictures: number, copies: number, mostBits: number, seed: number): string[] {
  const random = seeded(seed);
  const all: string[] = [];
  for (let picture = 0; picture < pictures; picture++) {
    const hash = (BigInt(random.int(2 ** 32)) << 32n) | BigInt(random.int(2 ** 32));
    all.push(hex(hash));
    for (let copy = 0; copy < copies; copy++) {
      let other = hash;
      for (let bit = random.int(mostBits + 1); bit > 0; bit--) other ^= 1n << BigInt(random.int(64));
      all.push(hex(other));
    }
  }
  return all
    .map((hash) => [random.next(), hash] as const)
    .sort(([one], [two]) => one - two)
    .map(([, hash]) => hash);
}

/** The same rule, by comparing each with every first member; the same hash is in the same group. */
function everyPair(all: readonly string[]): number[][] {
  const groups: number[][] = [];
  for (const [row, hash] of all.entries()) {
    const same = groups.find((group) => group.some((member) => all[member] === hash));
    const apart = groups.map(([first]) => bitsApart(all[first], hash));
    const least = Math.min(...apart);
    const joined = same ?? (least <= nearBits ? groups[apart.indexOf(least)] : undefined);
    if (joined) joined.push(row);
    else groups.push([row]);
  }
  return groups.filter((group) => group.length > 1);
}

describe('near duplicates by their hashes', () => {
  test('are those that comparing each with every other finds, also at the very threshold', () => {
    for (const seed of [1, 2, 3]) {
      const all = hashes(300, 4, 9, seed);
      const found = nearGroups(all);
      assert.ok(found.length > 200);
      assert.deepEqual(found, everyPair(all));
    }
  });

  test('do not grow in chains: every member lies near the first', () => {
    const chain = Array.from({ length: 12 }, (_, step) => hex((1n << BigInt(step * 4)) - 1n));
    for (const group of nearGroups(chain)) for (const row of group) assert.ok(bitsApart(chain[group[0]], chain[row]) <= nearBits);
    assert.ok(nearGroups(chain).length > 1);
  });

  test('leave out rows that take no part', () => {
    assert.deepEqual(nearGroups([null, hex(5n), null, hex(5n), hex(~0n & ((1n << 64n) - 1n))]), [[1, 3]]);
  });

  test('of 100,000 hashes are found without comparing all pairs', { timeout: 20_000 }, () => {
    const all = hashes(80_000, 0, 0, 4).concat(hashes(4_000, 4, 4, 5));
    assert.ok(nearGroups(all).length >= 4_000);
  });
});
