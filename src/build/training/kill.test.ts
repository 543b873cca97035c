import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { asSha256 } from '#core';
import { by, filesOf, openRooms, smallStudy } from './testing.ts';

// A process of its own, because it is killed. Faults count from when the rooms are open.
const child = `
import { faultAt } from '#core';
const [folder, fault, room] = process.argv.slice(1);
const { openRooms, smallStudy } = await import(room + '/testing.ts');
let armed = false;
const strike = faultAt(fault, () => process.kill(process.pid, 'SIGKILL'));
const rooms = await openRooms({ folder, faults: { at: (point) => { if (armed) strike.at(point); } } });
armed = true;
await smallStudy(rooms, (run) => process.stdout.write(run.id + '\\n'));
process.exit(0);
`;

describe('a process killed in the middle of a study', () => {
  for (const fault of ['store.commit.after:3', 'store.commit.after:4', 'store.commit.before:5', 'blob.rename:6', 'store.commit.before:8']) {
    test(
      `at ${fault} leaves whole runs and runs that are known to have been cut off`,
      { skip: process.env['GYRE_KILL_CHILD'] !== undefined },
      async () => {
        const folder = await mkdtemp(join(tmpdir(), 'gyre-kill-'));
        try {
          const killed = spawnSync(process.execPath, ['--input-type=module', '-e', child, folder, fault, import.meta.dirname], {
            encoding: 'utf8',
          });
          assert.equal(killed.signal, 'SIGKILL', killed.stderr);
          const acknowledged = killed.stdout.split('\n').filter((line) => line.startsWith('id-'));

          await using rooms = await openRooms({ folder, ids: 'later' });
          const { training, blobs, events } = rooms;
          const before = (await training.listRuns()).items;
          const open = before.filter(({ status }) => status === 'RUNNING');
          const finished = before.filter(({ status }) => status === 'FINISHED');
          assert.equal(open.length + finished.length, before.length);
          for (const id of acknowledged)
            assert.ok(
              finished.some((run) => run.id === id),
              'what was acknowledged is there',
            );
          for (const run of finished) {
            const files = await filesOf(rooms, run);
            assert.deepEqual(
              files.map(({ path }) => path),
              ['learner.json', 'model.onnx', 'train.log'],
            );
            for (const { digest } of files) await blobs.verify(asSha256(digest));
            assert.ok(run.metrics.validation_roc_auc > 0);
            assert.equal((await training.execute(run.id)).digest, files[1].digest);
          }
          for (const run of open) assert.deepEqual([run.metrics, await filesOf(rooms, run)], [{}, []], 'nothing half');
          assert.equal(await training.endAbandoned(by), open.length);
          const told = await events.read({ types: ['dev.gyre.run.finished.v1'] });
          assert.deepEqual(told.map(({ subject }) => subject).sort(), before.map(({ id }) => id).sort());

          const { best } = await smallStudy(rooms, () => undefined);
          const twin = finished.find(({ trial }) => trial === best.trial);
          if (twin !== undefined) assert.deepEqual(await filesOf(rooms, best), await filesOf(rooms, twin));
        } finally {
          await rm(folder, { recursive: true, force: true });
        }
      },
    );
  }
});
