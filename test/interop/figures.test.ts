import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seeded } from '#core';
import { boxFigures } from '../../ui/lib/box-figures.ts';
import { importances } from '../../ui/lib/importance.ts';
import { pythonMissing, runPython } from './python.ts';

/** Both sides add in float64, in different orders. */
function near(actual: number | undefined, expected: number, what: string): void {
  assert.ok(actual !== undefined && Math.abs(actual - expected) < 1e-10, `${what}: ours ${actual}, theirs ${expected}`);
}

describe('figures of runs', { skip: pythonMissing }, () => {
  test('importance and boxes are those of SciPy, scikit-learn and NumPy', async () => {
    const random = seeded(17);
    // Few different values, so that ranks are shared.
    const depth = Array.from({ length: 80 }, () => Math.floor(random.next() * 6));
    const kind = depth.map((value, at) => (at % 3 === 0 ? 'other' : `kind ${value % 3}`));
    const metric = depth.map((value) => Math.round(4 * (value * value + 6 * random.normal())) / 4);
    const boxes = [3, 4, 5, 41].map((length) => Array.from({ length }, () => random.normal()));
    const peer = await runPython<{ spearman: number; ratio: number; boxes: number[][] }>('figures_peer.py', {
      numbers: [depth, metric],
      words: [kind, metric],
      boxes,
    });
    const runs = metric.map((value, at) => ({ parameters: { depth: depth[at], kind: kind[at] }, value }));
    const found = importances(runs);
    near(found.find(({ parameter }) => parameter === 'depth')?.strength, Math.abs(peer.spearman), 'rank correlation');
    near(found.find(({ parameter }) => parameter === 'kind')?.strength, peer.ratio, 'correlation ratio');
    for (const [at, values] of boxes.entries()) {
      const [box] = boxFigures(values.map((value) => ({ group: 'all', value })));
      assert.ok(box !== undefined);
      [box.lower, box.median, box.upper, box.mean, box.deviation].forEach((own, figure) =>
        near(own, peer.boxes[at]?.[figure] ?? Number.NaN, `box ${at}`),
      );
    }
  });
});
