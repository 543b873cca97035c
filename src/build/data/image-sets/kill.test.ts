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
import { dataMigrations } from '../migrations/index.ts';
import { openData } from '../open-data.ts';
import { ada } from '../testing.ts';
import { photo, relabelled, writeImages } from './testing.ts';

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
await data.ingestImages({ dataset: 'd', folder: folder + '/images', source: 'images/', by });
process.stdout.write('acknowledged');
process.exit(0);
`;

const count = 12;

describe('a process killed while it ingests images', () => {
  for (const fault of [
    'blob.rename:4',
    'blob.fsync:13',
    // the record, what files are, the version
    'store.commit.after:1',
    'store.commit.before:2',
    'store.commit.after:2',
    'store.commit.before:3',
    'store.commit.after:3',
  ]) {
    test(`at ${fault} leaves a whole version or none, remembers no file whose bytes are not stored, and goes on from there`, async () => {
      const folder = await mkdtemp(join(tmpdir(), 'gyre-kill-images-'));
      try {
        await writeImages(
          join(folder, 'images'),
          Object.fromEntries(Array.from({ length: count }, (_, at) => [`c${at % 2}/${at}.jpg`, relabelled(photo('hat'), `picture ${at}`)])),
        );
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
        assert.equal((await events.read({ types: ['dev.gyre.dataset.versioned.v1'] })).length, items.length);
        assert.equal(await data.ingestions.endAbandoned(), items.length === 0 ? 1 : 0);
        const [cutOff] = (await data.ingestions.list()).items;
        assert.deepEqual([cutOff.outcome, cutOff.version], items.length === 0 ? ['failed', undefined] : ['new', items[0].digest]);
        const isRemembered = !['blob.rename:4', 'store.commit.after:1', 'store.commit.before:2'].includes(fault);
        const { version, created, images } = await data.ingestImages({
          dataset: 'd',
          folder: join(folder, 'images'),
          source: 'images/',
          by: ada,
        });
        assert.equal(created, items.length === 0);
        assert.equal(images.read, isRemembered ? 0 : count, 'what was remembered is not read again');
        const sha256 = (await data.open(version.digest)).texts('sha256').dictionary;
        assert.equal(sha256.length, count);
        for (const digest of [...sha256, ...version.manifest.files.map((file) => file.sha256), version.rowsDigest])
          await blobs.verify(asSha256(digest));
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });
  }
});
