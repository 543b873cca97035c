import { intsOf, textsOf } from '../node-attributes.ts';
import { readTreeNodes } from '../tree-nodes.ts';
import type { TreeNodes } from '../tree-nodes.ts';
import type { NodeView } from '../view.ts';
import { flattenTrees } from './flat-trees.ts';
import { below32 } from './float32.ts';
import { logisticByExp, postTransform } from './post-transform.ts';
import type { PostTransform } from './post-transform.ts';
import { treeScores } from './tree-scores.ts';
import type { TreeScores } from './tree-scores.ts';
import { floatRows, forestStep } from './trees.ts';
import { newRows } from './values.ts';
import type { Operator, RowsOf } from './values.ts';

/**
 * TreeEnsembleClassifier of float32 rows: a label and a score for each class. What the specification leaves open of two classes (which of
 * them leaves and bases mean) is as onnxruntime/core/providers/cpu/ml/tree_ensemble_aggregator.h has it.
 */
export const treeClassifier: Operator = (site) => {
  const features = floatRows(site);
  const trees = readTreeNodes(site.node);
  const labels = labelsOf(site.node);
  if (features === undefined || trees === undefined || labels === undefined || trees.outputs < 2) return undefined;
  const flat = flattenTrees(trees, features.axes[0], below32);
  const gathered = flat && treeScores(flat, trees.outputs, 'SUM');
  const transform = postTransform(trees.postTransform, site.arithmetic.isFused);
  if (flat === undefined || gathered === undefined || transform === undefined || trees.aggregate !== 'SUM') return undefined;
  const made = newRows('FLOAT', [trees.outputs]);
  const parts: Parts = { trees, gathered, transform, to: made.block, isFused: site.arithmetic.isFused };
  const finish = trees.outputs === 2 ? ofTwo(parts) : ofMany(parts);
  const give = (leaves: Int32Array, start: number, row: number): void => {
    gathered.gather(leaves, start);
    labels.put(row, finish(row));
  };
  return { outputs: [labels.made, made], step: forestStep(flat, features, give) };
};

interface Labels {
  readonly made: RowsOf<'STRING'> | RowsOf<'INT64'>;
  put(row: number, winner: Winner): void;
}

/** The class that wins, by its place, or by the number that the runtime gives out when it knows no class. */
type Winner = { readonly place: number } | { readonly number: 0 | 1 };

function labelsOf(node: NodeView): Labels | undefined {
  const texts = textsOf(node, 'classlabels_strings');
  if (texts.length > 0) {
    const made = newRows('STRING', []);
    return { made, put: (row, winner) => (made.block[row] = texts[placeOf(winner)]) };
  }
  const numbers = intsOf(node, 'classlabels_int64s');
  if (numbers.length === 0 || !numbers.every((label) => Number.isSafeInteger(label))) return undefined;
  const made = newRows('INT64', []);
  return { made, put: (row, winner) => (made.block[row] = 'number' in winner ? winner.number : numbers[winner.place]) };
}

function placeOf(winner: Winner): number {
  return 'number' in winner ? winner.number : winner.place;
}

interface Parts {
  readonly trees: TreeNodes;
  readonly gathered: TreeScores;
  readonly transform: PostTransform;
  readonly to: Float32Array;
  readonly isFused: boolean;
}

type Finish = (row: number) => Winner;

const first: Winner = { place: 0 };
const second: Winner = { place: 1 };
const none: Winner = { number: 0 };
const one: Winner = { number: 1 };

function ofMany({ trees: { outputs, base }, gathered: { scores, has }, transform, to }: Parts): Finish {
  const winners = Array.from({ length: outputs }, (_, place): Winner => ({ place }));
  return (row) => {
    const start = row * outputs;
    let winner = -1;
    let greatest = 0;
    for (let k = 0; k < outputs; k++) {
      if (k < base.length) {
        scores[k] = has[k] === 0 ? base[k] : scores[k] + base[k];
        has[k] = 1;
      }
      to[start + k] = has[k] === 0 ? 0 : scores[k];
      if (has[k] === 0 || !(winner === -1 || scores[k] > greatest)) continue;
      winner = k;
      greatest = scores[k];
    }
    transform(to, start, outputs);
    return winners[winner];
  };
}

function ofTwo({ trees, gathered: { scores, has }, transform, to, isFused }: Parts): Finish {
  const { base, isOneScoreOfTwo } = trees;
  const isPositive = trees.nodes.every((node) => node.mode !== 'LEAF' || node.weights.every(({ weight }) => !(weight < 0)));
  const isLogistic = trees.postTransform === 'LOGISTIC';
  return (row) => {
    const start = 2 * row;
    const hasSecond = has[1] === 1;
    let isAlone = false;
    if (base.length === 2) {
      if (hasSecond) {
        scores[1] = base[1] + scores[0];
        scores[0] = -scores[1];
      } else {
        scores[1] += base[1];
        scores[0] += base[0];
      }
    } else {
      if (base.length === 1) scores[0] += base[0];
      isAlone = base.length < 2 && !hasSecond;
    }
    const score = hasSecond ? scores[1] : has[0] === 1 ? scores[0] : 0;
    const isSecond = isOneScoreOfTwo && isPositive ? score > 0.5 : score > 0;
    const winner = isOneScoreOfTwo ? (isSecond ? second : first) : isSecond ? one : none;
    if (!isAlone) {
      to[start] = has[0] === 1 ? scores[0] : 0;
      to[start + 1] = hasSecond ? scores[1] : 0;
      transform(to, start, 2);
    } else if (isLogistic) {
      to[start] = logisticByExp(-scores[0], isFused);
      to[start + 1] = logisticByExp(scores[0], isFused);
    } else {
      to[start] = isOneScoreOfTwo && isPositive ? 1 - scores[0] : -scores[0];
      to[start + 1] = scores[0];
    }
    return winner;
  };
}
