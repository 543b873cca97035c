import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heatStep } from './heat-step.ts';

test('drift has a warm colour from where it counts, and a stronger one the larger it is', () => {
  assert.deepEqual(
    [0, 0.049, 0.05, 0.099, 0.1, 0.249, 0.25, 0.49, 0.5, 3].map((psi) => heatStep(psi, 0.1)),
    [0, 0, 1, 1, 2, 2, 3, 3, 4, 4],
  );
});
