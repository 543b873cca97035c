import assert from 'node:assert/strict';
import { test } from 'node:test';
import { manifestTargets } from '#contract';
import { deployTargets } from './deploy.ts';

test('gyre deploy knows every target that there are manifests for', () => {
  assert.deepEqual(deployTargets, manifestTargets);
});
