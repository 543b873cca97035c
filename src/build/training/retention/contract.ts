import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { by } from '../testing.ts';
import type { Rooms } from '../testing.ts';
import type { DeletedRecord } from './port.ts';
import { tablesWithRows } from './testing-store.ts';

const later = Number.MAX_SAFE_INTEGER;

/** What retention keeps on every database. */
export function retentionContract(backend: string, open: () => Promise<Rooms>, skip: string | false = false): void {
  describe(`deleted runs, models and experiments on ${backend}`, { skip }, () => {
    let rooms: Rooms;
    before(async () => {
      rooms = await open();
    });
    after(() => rooms[Symbol.asyncDispose]());
    const deleted = (): Promise<DeletedRecord[]> => Array.fromAsync(rooms.training.retention.deletedBefore(later));

    test('go one by one, an experiment once it is empty, and leave no row and no file behind', async () => {
      const { tracking, loggedModels, artifacts, retention } = rooms.training;
      const { id: experiment } = await tracking.createExperiment({ name: 'old', by });
      const { id } = await tracking.createRun({ experiment, tags: [{ key: 'a', value: 'b' }], by });
      const model = await loggedModels.create({ experiment, by });
      await rooms.training.logMetrics(
        id,
        Array.from({ length: 45_000 }, (_, step) => ({ key: `m${step % 3}`, value: step, step })),
      );
      await rooms.training.logArtifact(id, 'model/a.bin', new Uint8Array(7));
      await artifacts.put(`${experiment}/models/${model.id}/artifacts/MLmodel`, new Uint8Array(3));
      await artifacts.put(`${experiment}x/neighbour`, new Uint8Array(2));
      await tracking.deleteExperiment({ id: experiment, by });
      await loggedModels.delete({ id: model.id, by });
      const found = await deleted();
      assert.deepEqual(
        found.map(({ kind, bytes }) => [kind, bytes]),
        [
          ['run', 7],
          ['logged_model', 3],
          ['experiment', 10],
        ],
      );
      assert.equal(await retention.erase(found[2], later), false, 'it is not empty');
      assert.equal(await retention.erase(found[0], 0), false, 'it was deleted later than that');
      for (const record of found) assert.equal(await retention.erase(record, later), true);
      assert.deepEqual(await deleted(), []);
      assert.deepEqual(
        (await artifacts.files('')).items.map(({ path }) => path),
        [`${experiment}x/neighbour`],
      );
      const tables = ['runs', 'metric_points', 'metric_latest', 'tags', 'logged_models', 'erased_runs', 'experiment_tags'];
      assert.deepEqual(await rooms.store.read((db) => tablesWithRows(db, tables)), []);
    });

    test('a run that is restored in between stays', async () => {
      const { tracking, retention } = rooms.training;
      const { id: experiment } = await tracking.createExperiment({ name: 'spared', by });
      const { id } = await tracking.createRun({ experiment, by });
      await tracking.deleteRun({ id, by });
      const [record] = await deleted();
      await tracking.restoreRun({ id, by });
      assert.equal(await retention.erase(record, later), false);
      assert.equal((await tracking.getRun(id)).lifecycle, 'active');
    });
  });
}
