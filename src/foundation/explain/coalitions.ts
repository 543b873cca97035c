import { seeded } from '#core';

/** Sets of columns that are known while the others come from the background. */
export interface Coalitions {
  /** For each set: whether column k is known. Neither none nor all. */
  readonly sets: readonly (readonly boolean[])[];
  readonly weights: readonly number[];
  /** Whether these are all sets there are. */
  readonly isAll: boolean;
}

/**
 * Sets of columns with the weights of KernelSHAP (Lundberg and Lee 2017, theorem 2): (M - 1) / (C(M, s) s (M - s)) for a set of s of M columns. Within the
 * budget whole sizes are taken, the smallest with their complements first, since they weigh most; what is left is drawn from the other sizes, each
 * set with its complement. The same arguments give the same sets.
 * @param size columns, at least 2; @param budget sets at most
 */
export function coalitionsOf(size: number, budget: number): Coalitions {
  const all = 2 ** size - 2;
  if (all <= budget) {
    const sets = Array.from({ length: all }, (_, at) => Array.from({ length: size }, (__, k) => (((at + 1) / 2 ** k) & 1) === 1));
    return { sets, weights: sets.map((set) => kernelWeight(size, set.filter(Boolean).length)), isAll: true };
  }
  const sizes = Array.from({ length: Math.floor(size / 2) }, (_, at) => at + 1);
  // A size stands for its complements too.
  const isPaired = (known: number): boolean => known * 2 !== size;
  const massOf = (known: number): number => ((isPaired(known) ? 2 : 1) * (size - 1)) / (known * (size - known));
  const sets: boolean[][] = [];
  const weights: number[] = [];
  let next = 0;
  for (; next < sizes.length; next++) {
    const known = sizes[next];
    const count = binomial(size, known) * (isPaired(known) ? 2 : 1);
    const mass = sizes.slice(next).reduce((sum, each) => sum + massOf(each), 0);
    if ((budget - sets.length) * (massOf(known) / mass) < count * (1 - 1e-8)) break;
    for (const set of combinations(size, known)) {
      sets.push(set);
      weights.push(kernelWeight(size, known));
      if (!isPaired(known)) continue;
      sets.push(set.map((isKnown) => !isKnown));
      weights.push(kernelWeight(size, known));
    }
  }
  draw(size, sizes.slice(next), massOf, budget, sets, weights);
  return { sets, weights, isAll: false };
}

function draw(
  size: number,
  sizes: readonly number[],
  massOf: (known: number) => number,
  budget: number,
  sets: boolean[][],
  weights: number[],
): void {
  const random = seeded(size);
  const mass = sizes.reduce((sum, known) => sum + massOf(known), 0);
  const positions = new Map<string, number>();
  const counts: number[] = [];
  const first = sets.length;
  const order = Array.from({ length: size }, (_, k) => k);
  // Sets that were drawn before only count again: the bound keeps that from going on without end.
  for (let tries = 0; sets.length + 2 <= budget && tries < 4 * budget; tries++) {
    let left = random.next() * mass;
    const known = sizes.find((each) => (left -= massOf(each)) < 0) ?? sizes[sizes.length - 1];
    random.shuffle(order);
    const chosen = new Set(order.slice(0, known));
    const set = order.map((_, k) => chosen.has(k));
    for (const each of [set, set.map((isKnown) => !isKnown)]) {
      const key = each.map(Number).join('');
      const at = positions.get(key);
      if (at === undefined) {
        positions.set(key, sets.length);
        sets.push(each);
        counts.push(1);
      } else counts[at - first] += 1;
    }
  }
  const drawn = counts.reduce((sum, count) => sum + count, 0);
  // Together the drawn sets weigh what all sets of their sizes do.
  for (const count of counts) weights.push((mass * count) / drawn);
}

function kernelWeight(size: number, known: number): number {
  return (size - 1) / (binomial(size, known) * known * (size - known));
}

function binomial(size: number, known: number): number {
  let count = 1;
  for (let k = 1; k <= known; k++) count = (count * (size - known + k)) / k;
  return count;
}

function* combinations(size: number, known: number): Generator<boolean[]> {
  const at = Array.from({ length: known }, (_, k) => k);
  for (;;) {
    const chosen = new Set(at);
    yield Array.from({ length: size }, (_, k) => chosen.has(k));
    let k = known - 1;
    while (k >= 0 && at[k] === size - known + k) k--;
    if (k < 0) return;
    at[k]++;
    for (let j = k + 1; j < known; j++) at[j] = at[j - 1] + 1;
  }
}
