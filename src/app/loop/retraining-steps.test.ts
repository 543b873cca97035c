import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { StepContext } from '#pipelines';
import { retrainingSteps } from './retraining-steps.ts';
import type { LoopRooms } from './rooms.ts';

const splitOf = (version: string) => ({
  version,
  parts: ['train', 'validation', 'test'].map((part) => ({ part, version: `${part}-of-${version}`, rows: 10 })),
});

/** Rooms with two versions of the customers; the newer one is of a commit that was never merged. */
function rooms(aliased: object | undefined): LoopRooms {
  const versions = new Map<string, object>([
    ['old', { digest: 'old', dataset: 'customers', manifest: {} }],
    ['new', { digest: 'new', dataset: 'customers', manifest: {} }],
    ['train-of-old', { digest: 'train-of-old', dataset: 'customers', manifest: { derivedFrom: { parents: ['old'] } } }],
  ]);
  return {
    project: () => ({ resolved: { serve: { endpoint: 'churn' } } }),
    registry: { aliased: () => Promise.resolve(aliased) },
    training: { getRun: () => Promise.resolve({ inputs: [{ role: 'train', digest: 'train-of-old' }] }) },
    data: {
      list: () => Promise.resolve({ items: [versions.get('new')] }),
      get: (digest: string) => Promise.resolve(versions.get(digest) ?? assert.fail(digest)),
      splitsOf: (version: string) => Promise.resolve([splitOf(version)]),
    },
  } as unknown as LoopRooms;
}

const champion = {
  run: 'run-1',
  testReport: 'report-1',
  testsPassed: true,
  package: 'package-1',
  charter: 'charter-1',
  files: [{ path: 'model.onnx', digest: 'a'.repeat(64), size: 1 }],
  signature: { task: 'binary', inputs: [], outputs: [], classes: ['No', 'Yes'] },
};

describe('a retraining begins with the rows', () => {
  const found = async (aliased: object | undefined): Promise<unknown> => {
    const step = retrainingSteps(rooms(aliased)).find(({ kind }) => kind === 'data.parts') ?? assert.fail('no such step');
    const { outputs } = await step.run({ parameters: { dataset: 'customers' } } as unknown as StepContext);
    return outputs['part.train'];
  };

  test('that the champion has learned from, whatever commits have brought in since', async () => {
    assert.equal(await found(champion), 'train-of-old');
  });

  test('of the newest version where there is no champion', async () => {
    assert.equal(await found(undefined), 'train-of-new');
  });
});
