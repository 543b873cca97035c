/** Hashes that differ in so many of their 64 bits at most are taken for those of one picture; see decision 0047. */
export const nearBits = 6;

/** The hash is looked up by four words of 16 bits: of two hashes that differ in at most 7 bits, one word differs in at most one. */
const words = 4;
const wordBits = 16;

/**
 * Groups rows whose perceptual hashes lie near each other. Rows are taken in their order: each joins the group of the nearest earlier first
 * member within `nearBits`, or is the first of a group of its own; so every member lies near the first one, and groups do not grow in chains.
 * Exact, by multi-index hashing (Norouzi, Punjani and Fleet 2012, "Fast search in Hamming space with multi-index hashing"): candidates
 * come from 4 tables of 16 bits, looked up at distance 0 and 1.
 * @param hashes 16 hex digits for each row that takes part, null for those that do not
 * @returns groups of two and more, each in the order of the rows
 */
export function nearGroups(hashes: readonly (string | null)[]): number[][] {
  const members: number[][] = [];
  const groupOfHash = new Map<string, number>();
  const firsts = openFirsts(hashes.length);
  for (const [row, hash] of hashes.entries()) {
    if (hash === null) continue;
    const halves: Halves = [Number.parseInt(hash.slice(0, 8), 16) | 0, Number.parseInt(hash.slice(8), 16) | 0];
    const found = groupOfHash.get(hash) ?? firsts.nearest(halves);
    if (found === undefined) firsts.add(halves);
    const group = found ?? members.push([]) - 1;
    groupOfHash.set(hash, group);
    members[group].push(row);
  }
  return members.filter((group) => group.length > 1);
}

type Halves = readonly [high: number, low: number];

interface Firsts {
  /** The group whose first member lies nearest, the earliest of equals; undefined when none is near. */
  nearest(halves: Halves): number | undefined;
  /** Adds the first member of the next group. */
  add(halves: Halves): void;
}

/** The first members of groups, in tables of linked lists: of each word's value the newest group, and of each group the one before it. */
function openFirsts(most: number): Firsts {
  const [high, low] = [new Int32Array(most), new Int32Array(most)];
  const newest = Array.from({ length: words }, () => new Int32Array(2 ** wordBits).fill(-1));
  const before = Array.from({ length: words }, () => new Int32Array(most));
  let count = 0;
  return {
    nearest: (halves) => {
      let [best, bits] = [-1, nearBits + 1];
      for (let at = 0; at < words; at++) {
        const word = wordOf(halves, at);
        for (let bit = -1; bit < wordBits; bit++) {
          for (let group = newest[at][bit < 0 ? word : word ^ (1 << bit)]; group >= 0; group = before[at][group]) {
            const apart = bitsOf(high[group] ^ halves[0]) + bitsOf(low[group] ^ halves[1]);
            if (apart < bits || (apart === bits && group < best)) [best, bits] = [group, apart];
          }
        }
      }
      return best < 0 ? undefined : best;
    },
    add: (halves) => {
      [high[count], low[count]] = halves;
      for (let at = 0; at < words; at++) {
        const word = wordOf(halves, at);
        before[at][count] = newest[at][word];
        newest[at][word] = count;
      }
      count++;
    },
  };
}

function wordOf([high, low]: Halves, at: number): number {
  const half = at < 2 ? high : low;
  return at % 2 === 0 ? half >>> wordBits : half & 0xffff;
}

/** How many bits of 32 are set (Warren, "Hacker's Delight", figure 5-2). */
function bitsOf(value: number): number {
  let x = value - ((value >>> 1) & 0x55555555);
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** In how many of 64 bits two hashes differ. */
export function bitsApart(one: string, other: string): number {
  const half = (start: number): number =>
    bitsOf(Number.parseInt(one.slice(start, start + 8), 16) ^ Number.parseInt(other.slice(start, start + 8), 16));
  return half(0) + half(8);
}
