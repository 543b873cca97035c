import { seeded } from '#core';
import type { Random } from '#core';
import type { Signature } from '../feeds.ts';
import type { Feeds } from '../session-types.ts';
import { sizeOf } from '../tensor.ts';
import type { Tensor } from '../tensor.ts';
import { readTreeNodes } from '../tree-nodes.ts';
import type { ModelView } from '../view.ts';
import { below32 } from './float32.ts';

/** Rows of each run of the proof; 0 last, which some operations refuse. */
const batches = [
  ...Array.from({ length: 48 }, () => 1),
  ...Array.from({ length: 12 }, () => 2),
  3,
  4,
  5,
  7,
  8,
  15,
  16,
  17,
  31,
  64,
  64,
  64,
  129,
  1200,
];

/** What float32 numbers can be beside ordinary. */
const specials = [
  NaN, Infinity, -Infinity, 0, -0, 1, -1, 1.401298464324817e-45, -1.401298464324817e-45, 1.1754943508222875e-38, 3.4028234663852886e38,
  -3.4028234663852886e38, 16777216, 1e-7, 88.8, -88.8, 104,
].map(Math.fround); // prettier-ignore

/** @returns what is fed to prove a graph; undefined where an input has a type that no values are drawn for */
export function proofFeeds(model: ModelView, signature: Signature): Feeds[] | undefined {
  const random = seeded(41);
  const drawers: ((rows: number) => Tensor)[] = [];
  const thresholds = thresholdsOf(model);
  for (const { type, shape } of signature.inputs) {
    if (type !== 'FLOAT' || shape === null) return undefined;
    const axes = shape.slice(1).map(Number);
    drawers.push((rows) => floatRows(random, [rows, ...axes], thresholds));
  }
  return batches.map((rows) => Object.fromEntries(signature.inputs.map(({ name }, at) => [name, drawers[at](rows)])));
}

function floatRows(random: Random, shape: readonly number[], thresholds: readonly (readonly number[])[]): Tensor {
  const data = new Float32Array(sizeOf(shape));
  const width = data.length / shape[0];
  for (let at = 0; at < data.length;) {
    // Most rows are ordinary, so that all trees are walked deep; some are mostly special.
    const strangeness = random.int(10) === 0 ? 0.5 : random.int(2) * 0.04;
    for (let column = 0; column < width; column++, at++) {
      data[at] = random.next() < strangeness ? specials[random.int(specials.length)] : near(random, thresholds[column] ?? []);
    }
  }
  return { type: 'FLOAT', shape, data };
}

/** A threshold, its neighbours, or what is somewhere around it. */
function near(random: Random, thresholds: readonly number[]): number {
  const threshold = thresholds.length === 0 ? 0 : thresholds[random.int(thresholds.length)];
  switch (random.int(5)) {
    case 0:
      return threshold;
    case 1:
      return below32(threshold);
    case 2:
      return -below32(-threshold);
    case 3:
      return threshold * (1 + 0.1 * random.normal());
    default:
      return threshold + random.normal() * 10 ** (random.int(6) - 3);
  }
}

/** By feature: the thresholds that trees compare it with. */
function thresholdsOf(model: ModelView): number[][] {
  const found: number[][] = [];
  for (const node of model.nodes) {
    if (!node.opType.startsWith('TreeEnsemble')) continue;
    for (const each of readTreeNodes(node)?.nodes.values() ?? []) {
      if (each.mode !== 'LEAF' && each.feature >= 0) (found[each.feature] ??= []).push(each.threshold);
    }
  }
  return found;
}
