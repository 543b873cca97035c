import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openStore } from '#store';
import type { Tx } from '#store';
import { filesBelow } from '../artifacts/artifacts-store.ts';
import { runs } from './0001-runs.ts';
import { trainingMigrations } from './index.ts';

interface Tables {
  experiments: object;
  runs: object;
  run_artifacts: object;
}

describe('artifacts of runs of before the tree', () => {
  test('stand in the migrated store below the folders of their runs', async () => {
    await using store = await openStore({ url: 'sqlite::memory:' });
    await store.migrate([{ room: 'training', migrations: [runs] }]);
    const ids = Array.from({ length: 300 }, (_, at) => `0190d3f2-a1b2-7c3d-8e4f-${String(at).padStart(12, '0')}`);
    await store.write(async (tx: Tx) => {
      await tx.tables<Tables>().insertInto('experiments').values({ id: 7, name: 'seven', created_at: 1 }).execute();
      for (const id of ids) {
        const run = {
          id,
          experiment: 7,
          name: 'r',
          status: 'FINISHED',
          inputs: [],
          code: {},
          environment: {},
          started_at: 5,
          created_by: {},
        };
        await tx.tables<Tables>().insertInto('runs').values(run).execute();
        for (const path of ['model.onnx', 'plots/deep/roc.txt'])
          await tx
            .tables<Tables>()
            .insertInto('run_artifacts')
            .values({ run: id, path, digest: id + path, size: 3 })
            .execute();
      }
    }, undefined);
    await store.migrate([trainingMigrations]);
    const files = await store.read((db) => filesBelow(db, '7', 10_000, undefined));
    assert.equal(files.length, 600);
    assert.deepEqual(
      files.slice(0, 2),
      ['model.onnx', 'plots/deep/roc.txt'].map((path) => ({
        path: `7/${ids[0].replaceAll('-', '')}/artifacts/${path}`,
        digest: ids[0] + path,
        size: 3,
      })),
    );
  });
});
