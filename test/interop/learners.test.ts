import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { before, describe, test } from 'node:test';
import { seeded } from '#core';
import { contributions, fitLearner, fitPca, predictScores } from '#learners';
import type { BoostingModel, LinearModel, Tree, TrainingData } from '#learners';
import { rocAuc } from '#stats';
import { pythonMissing, runPython } from './python.ts';

interface LightGbmNode {
  readonly split_feature?: number;
  readonly threshold?: number;
  readonly default_left?: boolean;
  readonly left_child?: LightGbmNode;
  readonly right_child?: LightGbmNode;
  readonly internal_count?: number;
  readonly leaf_value?: number;
  readonly leaf_count?: number;
}

interface Peer {
  readonly churn: readonly Readonly<Record<'HistGradientBoosting' | 'LightGBM', number>>[];
  readonly logistic: readonly { readonly coefficients: readonly number[][]; readonly intercepts: readonly number[] }[];
  readonly ridge: { readonly coefficients: readonly number[]; readonly intercept: number };
  readonly trees: {
    readonly model: readonly { readonly tree_structure: LightGbmNode }[];
    /** Per row: one per feature, then the base value. */
    readonly contributions: readonly number[][];
    readonly shap: readonly number[][];
  };
  readonly pca: { readonly components: readonly number[][]; readonly variance: readonly number[] };
}

const splits = 5;
const random = seeded(40);

/** Rows of a noisy linear rule for a task; columns in units of their own. */
function table(task: TrainingData['task'], rows: number, columns: number, classes: number): TrainingData {
  const values = Float32Array.from({ length: rows * columns }, (_, i) => random.normal() * (1 + (i % columns)));
  const targets = Float64Array.from({ length: rows }, (_, i) => {
    const signal = values[i * columns] - 0.4 * values[i * columns + 1] + 0.8 * random.normal();
    return task === 'regression' ? 5 * signal : Math.max(0, Math.min(classes - 1, Math.floor(signal + classes / 2)));
  });
  return { task, classes, features: { rows, columns, values }, featureNames: Array.from({ length: columns }, (_, c) => `x${c}`), targets };
}

const binary = { ...table('binary', 400, 5, 2), weights: Float64Array.from({ length: 400 }, () => 0.3 + random.next()) };
const multiclass = table('multiclass', 500, 4, 3);
const regression = table('regression', 300, 6, 0);
const explained = table('binary', 300, 4, 2);

/** The churn table with categories one-hot encoded; blanks are missing. */
async function churnRows(): Promise<{ readonly names: string[]; readonly rows: Float32Array[]; readonly targets: number[] }> {
  const text = await readFile(new URL('../../examples/churn/data/telco-churn.csv', import.meta.url), 'utf8');
  const [header, ...lines] = text
    .trim()
    .split(/\r?\n/)
    .map((line) => line.split(','));
  const numeric = new Set(['SeniorCitizen', 'tenure', 'MonthlyCharges', 'TotalCharges']);
  const encoders = header.flatMap((name, column) => {
    if (name === 'customerID' || name === 'Churn') return [];
    const number = (line: string[]): number => (line[column].trim() === '' ? NaN : Number(line[column]));
    if (numeric.has(name)) return [{ name, of: number }];
    const categories = [...new Set(lines.map((line) => line[column]))].toSorted();
    return categories.map((category) => ({ name: `${name}=${category}`, of: (line: string[]) => (line[column] === category ? 1 : 0) }));
  });
  const target = header.indexOf('Churn');
  return {
    names: encoders.map((encoder) => encoder.name),
    rows: lines.map((line) => Float32Array.from(encoders, (encoder) => encoder.of(line))),
    targets: lines.map((line) => (line[target] === 'Yes' ? 1 : 0)),
  };
}

interface ChurnSplit {
  readonly train: TrainingData;
  readonly validation: TrainingData;
  readonly test: TrainingData;
}

/** Parts as in the example's five: train 45 %, validation 10 %, test 15 %; the rest is traffic. */
async function churnSplits(): Promise<ChurnSplit[]> {
  const { names, rows, targets } = await churnRows();
  return Array.from({ length: splits }, (_, seed) => {
    const order = rows.map((__, i) => i);
    seeded(seed).shuffle(order);
    const part = (from: number, to: number): TrainingData => {
      const chosen = order.slice(Math.floor(from * rows.length), Math.floor(to * rows.length));
      const values = new Float32Array(chosen.length * names.length);
      chosen.forEach((row, i) => values.set(rows[row], i * names.length));
      const features = { rows: chosen.length, columns: names.length, values };
      return { task: 'binary', classes: 2, features, featureNames: names, targets: Float64Array.from(chosen, (row) => targets[row]) };
    };
    return { train: part(0, 0.45), validation: part(0.45, 0.55), test: part(0.55, 0.7) };
  });
}

const plain = ({ features, targets }: TrainingData) => ({
  x: Array.from(features.values, (value) => (Number.isNaN(value) ? null : value)),
  y: [...targets],
});

/** LightGBM's nested nodes as our lists. */
function fromLightGbm(root: LightGbmNode): Tree {
  const tree = { feature: [], threshold: [], missingLeft: [], left: [], right: [], value: [], cover: [], gain: [] } as {
    -readonly [K in keyof Tree]: number[];
  };
  const add = (node: LightGbmNode): number => {
    const index = tree.feature.length;
    tree.feature.push(node.split_feature ?? -1);
    tree.threshold.push(node.threshold ?? 0);
    tree.missingLeft.push(node.default_left === true ? 1 : 0);
    tree.value.push(node.leaf_value ?? 0);
    tree.cover.push(node.internal_count ?? node.leaf_count ?? 0);
    tree.gain.push(0);
    tree.left.push(-1);
    tree.right.push(-1);
    if (node.left_child !== undefined && node.right_child !== undefined) {
      tree.left[index] = add(node.left_child);
      tree.right[index] = add(node.right_child);
    }
    return index;
  };
  add(root);
  return tree;
}

function close(actual: number, expected: number, tolerance: number, what: string): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${what}: ours ${actual}, theirs ${expected}`);
}

async function linear(data: TrainingData, learner: 'logistic' | 'linear', l2: number): Promise<LinearModel> {
  const model = await fitLearner(learner, data, { l2 }, { random: seeded(0) });
  return model.kind === 'gbdt' ? assert.fail() : model;
}

describe('our learners beside scikit-learn, LightGBM and shap', { skip: pythonMissing }, () => {
  let peer: Peer;
  let churn: ChurnSplit[];
  before(async () => {
    churn = await churnSplits();
    peer = await runPython<Peer>('learners_peer.py', {
      churn: churn.map((split) => ({ train: plain(split.train), test: plain(split.test) })),
      churn_columns: churn[0].train.features.columns,
      logistic: [
        { ...plain(binary), weights: [...binary.weights], l2: 2, columns: 5 },
        { ...plain(multiclass), weights: null, l2: 0.5, columns: 4 },
      ],
      ridge: { ...plain(regression), l2: 3, columns: 6 },
      trees: { ...plain(explained), columns: 4 },
    });
  });

  test('boosting with its defaults is within 0.005 ROC AUC of the better peer on the churn table, over five splits', async (t) => {
    const gaps: number[] = [];
    for (const [i, { train, validation, test: held }] of churn.entries()) {
      const model = await fitLearner('gbdt', train, {}, { random: seeded(i), validation });
      const ours = rocAuc(held.targets, predictScores(model, held.features));
      const { HistGradientBoosting, LightGBM } = peer.churn[i];
      gaps.push(ours - Math.max(HistGradientBoosting, LightGBM));
      t.diagnostic(
        `split ${i}: ours ${ours.toFixed(4)}, HistGradientBoosting ${HistGradientBoosting.toFixed(4)}, LightGBM ${LightGBM.toFixed(4)}`,
      );
    }
    gaps.forEach((gap, i) => assert.ok(gap > -0.005, `split ${i}: ${gap.toFixed(4)} behind`));
  });

  test('logistic regression has the coefficients of scikit-learn within 1e-4, binary with weights and multinomial', async () => {
    for (const [i, data, l2] of [
      [0, binary, 2],
      [1, multiclass, 0.5],
    ] as const) {
      const model = await linear(data, 'logistic', l2);
      const { coefficients, intercepts } = peer.logistic[i];
      coefficients.forEach((output, k) =>
        output.forEach((value, c) => close(model.coefficients[k][c], value, 1e-4, `coefficient ${k}, ${c}`)),
      );
      intercepts.forEach((value, k) => close(model.intercepts[k], value, 1e-4, `intercept ${k}`));
    }
  });

  test('ridge regression has the coefficients of scikit-learn up to float32', async () => {
    const model = await linear(regression, 'linear', 3);
    peer.ridge.coefficients.forEach((value, c) =>
      close(model.coefficients[0][c], value, 1e-6 * Math.max(1, Math.abs(value)), `coefficient ${c}`),
    );
    close(model.intercepts[0], peer.ridge.intercept, 1e-6, 'intercept');
  });

  test("TreeSHAP gives LightGBM's and shap's contributions for LightGBM's own trees", () => {
    const trees = peer.trees.model.map((tree) => fromLightGbm(tree.tree_structure));
    const { task, classes, featureNames, features } = explained;
    const model: BoostingModel = { kind: 'gbdt', task, classes, featureNames, baseMargins: [0], trees, iterations: trees.length };
    const ours = contributions(model, features);
    peer.trees.contributions.forEach((row, i) => {
      for (let f = 0; f < 4; f++) {
        close(ours.values[i * 4 + f], row[f], 1e-6, `row ${i}, feature ${f} (LightGBM)`);
        close(ours.values[i * 4 + f], peer.trees.shap[i][f], 1e-6, `row ${i}, feature ${f} (shap)`);
      }
      close(ours.baseValues[0], row[4], 1e-6, 'base value');
    });
  });

  test('principal components are those of scikit-learn, signs included', () => {
    const { components, explainedVariance } = fitPca(regression.features, 3);
    peer.pca.components.forEach((row, k) => row.forEach((value, c) => close(components[k][c], value, 1e-5, `component ${k}, ${c}`)));
    peer.pca.variance.forEach((value, k) => close(explainedVariance[k], value, 1e-5 * value, `variance ${k}`));
  });
});
