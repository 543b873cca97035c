import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { ExplainOptions, RowExplanation, Signature } from '#contract';
import { seeded } from '#core';
import { openExplainer } from '#explain';
import type { Background } from '#explain';
import { tensor } from '#onnx';
import type { Feeds } from '#onnx';
import { pythonMissing, runPython } from './python.ts';

interface Reference {
  /** Base64. */
  readonly onnx: string;
  readonly base: readonly number[];
  /** [rows][columns], or [rows][columns][outputs]. */
  readonly values: readonly (readonly (number | readonly number[])[])[];
  readonly kinds?: readonly string[];
}
type Peers = Readonly<Record<'lightgbm' | 'forest' | 'boosting' | 'pipeline' | 'network' | 'wide', Reference>>;

const undescribed: Signature = { inputs: [], outputs: [], classes: [] };
const random = seeded(8);
const rows = 400;
const columns = 6;
const explained = 12;
/** Some values are missing; a column's number of distinct values differs. */
const x = Array.from({ length: rows }, () =>
  Array.from({ length: columns }, (_, c) =>
    c === 3 && random.next() < 0.1 ? Number.NaN : Math.fround(c === 4 ? random.int(5) : random.normal()),
  ),
);
const y = x.map(([a, b]) => Math.max(0, Math.min(2, Math.floor(a + 0.5 * b + 1.5))));
const target = x.map(([a, b, c]) => 10 * a + b * c + random.normal());
const z = Array.from({ length: 300 }, () => Array.from({ length: 14 }, () => Math.fround(random.normal())));

const matrix = (input: string, table: readonly (readonly number[])[]): Feeds => ({
  [input]: tensor('FLOAT', [table.length, table[0].length], Float32Array.from(table.flat())),
});
const backgroundOf = (feeds: Feeds, count: number): Background => ({
  kind: 'request',
  feeds,
  weights: Array.from({ length: count }, () => 1),
});
const whole = x.map((row) => row.map((value) => (Number.isNaN(value) ? 0 : value)));

/** Contributions in the order of the columns. */
function ordered({ contributions }: RowExplanation, names: readonly string[]): number[] {
  return names.map((name) => contributions.find(({ feature }) => feature === name)?.contribution ?? 0);
}

describe('explanations beside shap', { skip: pythonMissing }, () => {
  let peers: Peers;
  before(async () => {
    const nullable = x.map((row) => row.map((value) => (Number.isNaN(value) ? null : value)));
    peers = await runPython<Peers>('explain_peer.py', { x: nullable, y, target, z, explain: explained });
  });

  async function explain(peer: Reference, feeds: Feeds, background: Background, options: ExplainOptions = {}) {
    await using explainer = await openExplainer({ graph: Buffer.from(peer.onnx, 'base64'), signature: undescribed });
    return await explainer.explain({ feeds, background, options });
  }
  const names = (count: number, input: string): string[] => Array.from({ length: count }, (_, c) => `${input}[${c}]`);
  function same(found: readonly number[], wanted: readonly number[], tolerance: number, what: string): void {
    found.forEach((value, c) =>
      assert.ok(Math.abs(value - wanted[c]) <= tolerance, `${what}, column ${c}: ours ${value}, theirs ${wanted[c]}`),
    );
  }
  const one = (values: Reference['values'][number], output?: number): number[] =>
    values.map((value) => (typeof value === 'number' ? value : value[output ?? 0]));

  test('trees of LightGBM, with missing values: its own contributions, from covers that its training rows give', async () => {
    const {
      method,
      scale,
      explanations = [],
    } = await explain(peers.lightgbm, matrix('x', x.slice(0, explained)), backgroundOf(matrix('x', x), rows));
    assert.deepEqual([method, scale, explanations.length], ['tree_shap', 'log_odds', explained]);
    explanations.forEach((row, at) => {
      // LightGBM adds in float64 what the graph holds in float32.
      same(ordered(row, names(columns, 'x')), one(peers.lightgbm.values[at]), 1e-5, `row ${at}`);
      assert.ok(Math.abs(row.base - peers.lightgbm.base[0]) < 1e-5 && Math.abs(row.residual) < 1e-5);
      assert.equal(row.class, '1');
    });
  });

  test('a forest of three classes: the contributions to each class', async () => {
    for (const [k, name] of ['0', '1', '2'].entries()) {
      const { scale, explanations = [] } = await explain(
        peers.forest,
        matrix('X', whole.slice(0, explained)),
        backgroundOf(matrix('X', whole), rows),
        { class: name },
      );
      assert.equal(scale, 'score');
      explanations.forEach((row, at) => {
        same(ordered(row, names(columns, 'X')), one(peers.forest.values[at], k), 1e-5, `row ${at}, class ${name}`);
        assert.ok(Math.abs(row.base - peers.forest.base[k]) < 1e-5);
      });
    }
  });

  test('gradient boosting of a number', async () => {
    const { scale, explanations = [] } = await explain(
      peers.boosting,
      matrix('X', whole.slice(0, explained)),
      backgroundOf(matrix('X', whole), rows),
    );
    assert.equal(scale, 'value');
    explanations.forEach((row, at) => {
      // Leaves of tens in float32.
      same(ordered(row, names(columns, 'X')), one(peers.boosting.values[at]), 1e-4, `row ${at}`);
      assert.ok(Math.abs(row.base - peers.boosting.base[0]) < 1e-4);
    });
  });

  test('a linear model behind a scaler and an encoder: by the columns that callers name', async () => {
    const kinds = peers.pipeline.kinds ?? [];
    const feeds = (from: readonly (readonly number[])[]): Feeds => ({
      a: tensor(
        'FLOAT',
        [from.length, 1],
        Float32Array.from(from, ([a]) => a),
      ),
      b: tensor(
        'FLOAT',
        [from.length, 1],
        Float32Array.from(from, ([, b]) => b),
      ),
      kind: tensor('STRING', [from.length, 1], kinds.slice(0, from.length)),
    });
    const {
      method,
      scale,
      explanations = [],
    } = await explain(peers.pipeline, feeds(whole.slice(0, explained)), backgroundOf(feeds(whole), rows), { class: '1' });
    assert.deepEqual([method, scale], ['linear', 'log_odds']);
    explanations.forEach((row, at) => {
      same(ordered(row, ['a', 'b', 'kind']), one(peers.pipeline.values[at]), 1e-5, `row ${at}`);
      assert.ok(Math.abs(row.base - peers.pipeline.base[0]) < 1e-5);
    });
  });

  test('a network, all coalitions: what KernelExplainer gives', async () => {
    const asked = matrix('X', whole.slice(0, 6));
    const background = backgroundOf(matrix('X', whole.slice(100, 130)), 30);
    const [k] = [1];
    const { method, reason, explanations = [] } = await explain(peers.network, asked, background, { class: String(k) });
    assert.equal(method, 'kernel_shap');
    assert.match(reason ?? '', /no exact contributions/);
    explanations.forEach((row, at) => {
      // Both solve the same least squares, of outputs in float32.
      same(ordered(row, names(columns, 'X')), one(peers.network.values[at], k), 2e-5, `row ${at}`);
      assert.ok(Math.abs(row.base - peers.network.base[k]) < 1e-6 && Math.abs(row.residual) < 1e-12);
      assert.ok(row.fidelity !== undefined && row.fidelity.r2 <= 1 && row.fidelity.coalitions <= 62);
    });
  });

  test('fourteen columns, a part of the coalitions: near the exact values, with the error said, and the same each time', async () => {
    const asked = matrix('X', z.slice(0, 3));
    const background = backgroundOf(matrix('X', z.slice(100, 110)), 10);
    const first = await explain(peers.wide, asked, background, { class: '1' });
    const again = await explain(peers.wide, asked, background, { class: '1' });
    assert.deepEqual(first, again);
    for (const [at, row] of (first.explanations ?? []).entries()) {
      const wanted = one(peers.wide.values[at], 1);
      const largest = Math.max(...wanted.map(Math.abs));
      // An eighth of the coalitions: within a twentieth of the largest contribution.
      same(ordered(row, names(14, 'X')), wanted, largest / 20, `row ${at}`);
      assert.ok(row.fidelity !== undefined && row.fidelity.coalitions < 2 ** 14 / 7 && row.fidelity.of === 2 ** 14);
    }
  });
});
