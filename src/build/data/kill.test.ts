import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { openFsBlobs } from '#blobs';
import type { EventTypes } from '#contract';
import { asSha256, countingIds, manualClock } from '#core';
import { eventsMigrations, openEvents } from '#events';
import { openStore } from '#store';
import { dataMigrations } from './migrations/index.ts';
import { openData } from './open-data.ts';
import { ada } from './testing.ts';

const churn = 'examples/churn/data/telco-churn.csv';

// A process of its own, because it is killed. Faults count from when store and blobs are open.
const child = `
import { openFsBlobs } from '#blobs';
import { countingIds, faultAt, manualClock } from '#core';
import { openEvents } from '#events';
import { openStore } from '#store';
import { openData } from '#data';
const [folder, fault] = process.argv.slice(1);
let armed = false;
const strike = faultAt(fault, () => process.kill(process.pid, 'SIGKILL'));
const faults = { at: (point) => { if (armed) strike.at(point); } };
const store = await openStore({ url: 'sqlite:' + folder + '/store.db', faults });
const blobs = await openFsBlobs({ dir: folder + '/blobs', faults });
const clock = manualClock(0);
const events = openEvents({ store, clock, newId: countingIds('e'), source: '/test' });
const data = openData({ store, blobs, events, clock, newId: countingIds('i'), temporary: folder });
armed = true;
const by = { identity: 'ada', name: 'Ada' };
const { version } = await data.ingest({ dataset: 'd', path: '${churn}', by });
await data.split(version.digest, { dataset: 'd', key: 'customerID', parts: { a: 0.5, b: 0.5 }, salt: 's', by });
process.stdout.write('acknowledged');
process.exit(0);
`;

describe('a process killed while it ingests and splits', () => {
  for (const fault of ['blob.rename:2', 'store.commit.before:1', 'store.commit.after:1', 'store.commit.before:2']) {
    test(`at ${fault} leaves whole versions or none, and doing it again completes it`, async () => {
      const folder = await mkdtemp(join(tmpdir(), 'gyre-kill-'));
      try {
        const url = `sqlite:${folder}/store.db`;
        {
          await using store = await openStore({ url });
          await store.migrate([eventsMigrations, dataMigrations]);
        }
        const killed = spawnSync(process.execPath, ['--input-type=module', '-e', child, folder, fault], { encoding: 'utf8' });
        assert.equal(killed.signal, 'SIGKILL', killed.stderr);

        await using store = await openStore({ url });
        const blobs = await openFsBlobs({ dir: join(folder, 'blobs') });
        const clock = manualClock(0);
        await using events = openEvents<EventTypes>({ store, clock, newId: countingIds('f'), source: '/test' });
        const data = openData({ store, blobs, events, clock, newId: countingIds('j'), temporary: folder });
        const { items } = await data.list();
        const told = await events.read({ types: ['dev.gyre.dataset.versioned.v1'] });
        assert.deepEqual(
          told.map(({ subject }) => subject).sort(),
          items.map(({ digest }) => digest).sort(),
          'an event for each version, and no other',
        );
        for (const { digest, rowsDigest, manifest } of items) {
          assert.equal((await data.open(digest)).rows, manifest.rows);
          for (const { sha256 } of manifest.files) await blobs.verify(asSha256(sha256));
          await blobs.verify(asSha256(rowsDigest));
        }
        assert.ok(items.length === 0 || items.length === 1, 'the parts of a split come together');
        const { version, created } = await data.ingest({ dataset: 'd', path: churn, by: ada });
        assert.equal(created, items.length === 0);
        const split = await data.split(version.digest, { dataset: 'd', key: 'customerID', parts: { a: 0.5, b: 0.5 }, salt: 's', by: ada });
        assert.equal(split.parts[0].rows + split.parts[1].rows, 7043);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });
  }
});
