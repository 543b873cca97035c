import type { Random } from '#core';
import { attr } from '../model.ts';
import type { AttributeValue } from '../model.ts';
import { below32 } from './float32.ts';

export interface SampleTrees {
  readonly trees: number;
  readonly depth: number;
  readonly columns: number;
  readonly outputs: number;
  /** Split modes to draw from. */
  readonly modes: readonly string[];
  /** `target` or `class`. */
  readonly kind: 'target' | 'class';
  /** Weights of a leaf; default one, of the output whose turn it is. */
  readonly weightsOfLeaf?: 'one' | 'all';
}

/** For tests: the attributes of a node of random trees, with thresholds that meet and some that are special. */
export function sampleTrees(random: Random, shape: SampleTrees): Record<string, AttributeValue> {
  const nodes: { tree: number; id: number; feature: number; threshold: number; mode: string; yes: number; no: number; missing: number }[] =
    [];
  const weights: { tree: number; id: number; output: number; weight: number }[] = [];
  for (let tree = 0; tree < shape.trees; tree++) {
    let ids = 0;
    const grow = (depth: number): number => {
      const id = ids++;
      if (depth >= shape.depth || (depth > 0 && random.int(6) === 0)) {
        nodes.push({ tree, id, feature: 0, threshold: 0, mode: 'LEAF', yes: 0, no: 0, missing: 0 });
        const outputs = shape.weightsOfLeaf === 'all' ? Array.from({ length: shape.outputs }, (_, k) => k) : [tree % shape.outputs];
        for (const output of outputs) weights.push({ tree, id, output, weight: Math.fround(random.normal() * 10 ** (random.int(5) - 3)) });
        return id;
      }
      const node = {
        tree,
        id,
        feature: random.int(shape.columns),
        threshold: thresholdOf(random),
        mode: shape.modes[random.int(shape.modes.length)],
        yes: 0,
        no: 0,
        missing: random.int(2),
      };
      nodes.push(node);
      node.no = grow(depth + 1);
      node.yes = grow(depth + 1);
      return id;
    };
    grow(0);
  }
  return {
    nodes_treeids: attr.ints(nodes.map((node) => node.tree)),
    nodes_nodeids: attr.ints(nodes.map((node) => node.id)),
    nodes_featureids: attr.ints(nodes.map((node) => node.feature)),
    nodes_values: attr.floats(nodes.map((node) => node.threshold)),
    nodes_modes: attr.strings(nodes.map((node) => node.mode)),
    nodes_truenodeids: attr.ints(nodes.map((node) => node.yes)),
    nodes_falsenodeids: attr.ints(nodes.map((node) => node.no)),
    nodes_missing_value_tracks_true: attr.ints(nodes.map((node) => node.missing)),
    [`${shape.kind}_treeids`]: attr.ints(weights.map((each) => each.tree)),
    [`${shape.kind}_nodeids`]: attr.ints(weights.map((each) => each.id)),
    [`${shape.kind}_ids`]: attr.ints(weights.map((each) => each.output)),
    [`${shape.kind}_weights`]: attr.floats(weights.map((each) => each.weight)),
  };
}

function thresholdOf(random: Random): number {
  switch (random.int(12)) {
    case 0:
      return 0;
    case 1:
      return random.int(5) - 2;
    case 2:
      return below32(random.int(3) - 1);
    case 3:
      return Math.fround(random.normal() * 1e-40);
    default:
      return Math.fround(random.normal());
  }
}

/** For tests: rows of ordinary and special numbers, many of which are equal to thresholds. */
export function sampleRows(random: Random, rows: number, columns: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: rows * columns }, () => {
    switch (random.int(14)) {
      case 0:
        return NaN;
      case 1:
        return random.int(2) === 0 ? Infinity : -Infinity;
      case 2:
        return random.int(5) - 2;
      case 3:
        return below32(random.int(3) - 1);
      case 4:
        return -0;
      case 5:
        return random.normal() * 1e-40;
      default:
        return random.normal();
    }
  });
}
