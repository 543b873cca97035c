import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openStore } from '#store';
import { listSchedules } from '../schedules/schedules-store.ts';
import { pipelinesMigrations } from './index.ts';

describe('schedules of a store from before there were kinds', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-schedule-kinds-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  test('are those of ingestion, as they stood', async () => {
    const url = `sqlite:${join(folder, 'gyre.db')}`;
    const row = {
      project: 'shop',
      name: 'customers',
      definition: 'd',
      paused: true,
      due_at: 1,
      claimed_by: null,
      claimed_at: null,
      last_due: 0,
      last_run: 'run',
      missed: 2,
      error: 'e',
    };
    {
      await using earlier = await openStore({ url });
      await earlier.migrate([{ ...pipelinesMigrations, migrations: pipelinesMigrations.migrations.slice(0, 3) }]);
      await earlier.write(async (tx, args) => {
        await tx.tables<{ schedules: typeof row }>().insertInto('schedules').values(args).execute();
      }, row);
    }
    await using store = await openStore({ url });
    await store.migrate([pipelinesMigrations]);
    assert.deepEqual(
      (await store.read((db) => listSchedules(db, 'ingestion', 'shop'))).map((found) => ({ ...found })),
      [{ ...row, kind: 'ingestion' }],
    );
    assert.deepEqual(await store.read((db) => listSchedules(db, 'batch-prediction', 'shop')), []);
  });
});
