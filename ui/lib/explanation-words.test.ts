import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ExplainAnswer, OcclusionMap, RowExplanation } from '#contract';
import { mapSquares, mapWords, methodWords, pushWords, scaleWords } from './explanation-words.ts';

const answer: ExplainAnswer = {
  model: 'm',
  version: '1',
  method: 'tree_shap',
  scale: 'log_odds',
  background: { kind: 'training', rows: 0 },
};
const row: RowExplanation = {
  class: 'Yes',
  base: 0.5,
  margin: 1.2,
  residual: 0,
  contributions: [
    { feature: 'Contract', value: 'Month-to-month', contribution: 0.9 },
    { feature: 'tenure', value: 60, contribution: -0.2 },
  ],
};

describe('an explanation in words', () => {
  test('names the strongest pushes, the scale and what it was measured from', () => {
    assert.equal(pushWords(row), 'Contract = Month-to-month pushes it most towards Yes; tenure = 60 pushes it most away from Yes.');
    assert.equal(pushWords({ ...row, contributions: [] }), 'No column moved it.');
    assert.match(scaleWords(answer, row), /^log-odds of Yes/);
    assert.match(methodWords(answer, row), /^Exact: .* Measured from the rows that the model learned from\.$/);
  });

  test('says how far an estimate can be trusted', () => {
    const estimated: ExplainAnswer = {
      ...answer,
      method: 'kernel_shap',
      reason: 'no exact contributions: a network',
      background: { kind: 'package', rows: 30 },
    };
    const trust = (r2: number): string => methodWords(estimated, { ...row, fidelity: { r2, coalitions: 64, of: 1024 } });
    assert.match(trust(0.999), /64 combinations of columns out of 1024.*: 0\.1\s%.* the estimate is good\. Measured from 30 typical rows/);
    assert.match(trust(0.95), /5\.0\s%.*fair: small bars may be wrong/);
    assert.match(trust(0.4), /60\.0\s%.*poor: trust only the longest bars/);
  });

  test('says what covering a picture does, and draws its squares side by side', () => {
    const map: OcclusionMap = { class: 'dog', score: 0.9, values: [[0.6, 0], [-0.05, 0.1]] }; // prettier-ignore
    assert.match(
      mapWords(map),
      /with the strongest square covered, 90\.0\s% falls to 30\.0\s%\. Where it is marked against, .* up to 95\.0\s%/,
    );
    assert.match(mapWords({ ...map, values: [[0.001]] }), /^No square of it decides/);
    const squares = mapSquares(map, { patch: 8, stride: 4, height: 12, width: 12, images: [] });
    assert.deepEqual(squares.map(({ x, y, side }) => [x, y, side]), [[2, 2, 4], [6, 2, 4], [2, 6, 4], [6, 6, 4]]); // prettier-ignore
    assert.deepEqual(squares.map(({ strength }) => Number(strength.toFixed(3))), [1, 0, -0.083, 0.167]); // prettier-ignore
  });
});
