import { seeded } from '#core';
import type { Random } from '#core';
import type { Signature } from '../feeds.ts';
import { intsOf, realsOf, tensorAttribute, tensorNumbers, textsOf } from '../node-attributes.ts';
import type { Feeds, SessionValue } from '../session-types.ts';
import { sizeOf } from '../tensor.ts';
import type { Tensor } from '../tensor.ts';
import type { ModelView, NodeView } from '../view.ts';
import { below32 } from './float32.ts';

/** Rows of each run of the proof: single ones, several, more than are computed at once, and none. */
const batches = [...Array.from({ length: 48 }, () => 1), 2, 2, 2, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 64, 64, 64, 129, 500, 0];

/** What numbers can be beside ordinary; what float32 has less of becomes infinite or 0 there. */
const specials = [
  NaN, Infinity, -Infinity, 0, -0, 1, -1, 1.401298464324817e-45, -1.401298464324817e-45, 1.1754943508222875e-38, 3.4028234663852886e38,
  -3.4028234663852886e38, 16777216, 1e-7, 88.8, -88.8, 104, 5e-324, 1.7976931348623157e308, 2 ** 31, -(2 ** 63),
]; // prettier-ignore

/** Numbers and texts of a graph at which its answer may change. */
interface Landmarks {
  /** What trees compare their features with, by feature. */
  readonly thresholds: readonly (readonly number[])[];
  /** Of small constants: offsets, divisors, limits. */
  readonly numbers: readonly number[];
  readonly texts: readonly string[];
}

/** @returns what is fed to prove a graph; undefined where an input has a type that no values are drawn for */
export function proofFeeds(model: ModelView, signature: Signature): Feeds[] | undefined {
  const random = seeded(41);
  const landmarks = landmarksOf(model);
  const sizes = sizesOf(signature);
  const feeds: Feeds[] = [];
  for (const rows of sizes) {
    const fed: Record<string, Tensor> = {};
    for (const input of signature.inputs) {
      const tensor = drawn(random, input, rows, landmarks);
      if (tensor === undefined) return undefined;
      fed[input.name] = tensor;
    }
    feeds.push(fed);
  }
  return feeds;
}

/** A graph that declares how many rows it takes is fed as many. */
function sizesOf({ inputs }: Signature): readonly number[] {
  const rows = inputs[0]?.shape?.[0];
  return typeof rows === 'number' ? Array.from({ length: Math.ceil(800 / Math.max(1, rows)) }, () => rows) : batches;
}

function drawn(random: Random, { type, shape }: SessionValue, rows: number, landmarks: Landmarks): Tensor | undefined {
  if (shape === null) return undefined;
  const axes = [rows, ...shape.slice(1).map(Number)];
  const length = sizeOf(axes);
  const width = sizeOf(axes.slice(1));
  switch (type) {
    case 'FLOAT':
      return { type, shape: axes, data: numbersInto(new Float32Array(length), random, width, landmarks) };
    case 'DOUBLE':
      return { type, shape: axes, data: numbersInto(new Float64Array(length), random, width, landmarks) };
    case 'BOOL':
      return { type, shape: axes, data: Uint8Array.from({ length }, () => random.int(2)) };
    case 'STRING':
      return { type, shape: axes, data: Array.from({ length }, () => textNear(random, landmarks.texts)) };
    default:
      return undefined;
  }
}

function numbersInto<T extends Float32Array | Float64Array>(data: T, random: Random, width: number, landmarks: Landmarks): T {
  for (let at = 0; at < data.length;) {
    // Most rows are ordinary, so that all trees are walked deep; some are mostly special.
    const strangeness = random.int(10) === 0 ? 0.5 : random.int(2) * 0.04;
    for (let column = 0; column < width; column++, at++) {
      data[at] =
        random.next() < strangeness ? specials[random.int(specials.length)] : numberNear(random, landmarks, width === 1 ? -1 : column);
    }
  }
  return data;
}

/** A threshold or a constant, its neighbours, or what is somewhere around it. @param column -1 where it is no feature of a tree as it is */
function numberNear(random: Random, { thresholds, numbers }: Landmarks, column: number): number {
  const own = thresholds[column] ?? numbers;
  const mark = own.length === 0 ? 0 : own[random.int(own.length)];
  switch (random.int(6)) {
    case 0:
      return mark;
    case 1:
      return below32(mark);
    case 2:
      return -below32(-mark);
    case 3:
      return mark * (1 + 0.1 * random.normal());
    case 4:
      return mark + random.normal() * (numbers.length === 0 ? 1 : numbers[random.int(numbers.length)]);
    default:
      return mark + random.normal() * 10 ** (random.int(6) - 3);
  }
}

function textNear(random: Random, texts: readonly string[]): string {
  if (texts.length === 0 || random.int(8) === 0) return ['', 'unseen', ' ', '0', 'ä'][random.int(5)];
  return texts[random.int(texts.length)];
}

/** Constants of more values are tables and weights. */
const smallConstant = 512;

function landmarksOf(model: ModelView): Landmarks {
  const thresholds: number[][] = [];
  const numbers: number[] = [];
  const texts: string[] = [];
  for (const node of model.nodes) {
    for (const name of ['keys_strings', 'cats_strings']) texts.push(...textsOf(node, name));
    if (!node.opType.startsWith('TreeEnsemble')) {
      for (const { attribute } of node.attributes) {
        if (attribute.type === 'FLOATS' && attribute.value.length <= smallConstant) numbers.push(...attribute.value);
      }
      continue;
    }
    const values = node.opType === 'TreeEnsemble' ? splitsOf(node) : realsOf(node, 'nodes_values');
    intsOf(node, 'nodes_featureids').forEach((feature, at) => {
      if (feature >= 0 && at < values.length) (thresholds[feature] ??= []).push(values[at]);
    });
  }
  for (const constant of model.initializers) {
    if ((constant.type !== 'FLOAT' && constant.type !== 'DOUBLE') || constant.external || sizeOf(constant.shape) > smallConstant) continue;
    numbers.push(...Array.from<unknown, number>(constant.read().data, Number));
  }
  return { thresholds, numbers: numbers.filter((value) => !Number.isNaN(value)), texts };
}

function splitsOf(node: NodeView): readonly number[] {
  const held = tensorAttribute(node, 'nodes_splits');
  return held === undefined ? [] : tensorNumbers(held);
}
