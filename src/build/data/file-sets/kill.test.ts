import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { openFsBlobs } from '#blobs';
import type { EventTypes } from '#contract';
import { countingIds, manualClock } from '#core';
import { eventsMigrations, openEvents } from '#events';
import { openStore } from '#store';
import { openWorkspace, openWorkspaceObjects } from '#workspace';
import { dataMigrations } from '../migrations/index.ts';
import { openData } from '../open-data.ts';
import type { Data } from '../port.ts';
import { ada } from '../testing.ts';

const count = 40;
const options = { signal: new AbortController().signal, threads: 1 };
/** No grace: what was stored a moment ago may go as well. */
const sweeping = { ...options, apply: true, graceMs: -1000 };

// A process of its own, because it is killed. Faults count from when store and blobs are open.
const ingesting = `
import { openFsBlobs } from '#blobs';
import { countingIds, faultAt, manualClock } from '#core';
import { openEvents } from '#events';
import { openStore } from '#store';
import { openData } from '#data';
import { openWorkspaceObjects } from '#workspace';
const [folder, fault] = process.argv.slice(1);
let armed = false;
const strike = faultAt(fault, () => process.kill(process.pid, 'SIGKILL'));
const faults = { at: (point) => { if (armed) strike.at(point); } };
const store = await openStore({ url: 'sqlite:' + folder + '/store.db', faults });
const blobs = await openFsBlobs({ dir: folder + '/blobs', faults });
const clock = manualClock(0);
const events = openEvents({ store, clock, newId: countingIds('e'), source: '/test' });
const objects = openWorkspaceObjects(folder);
const data = openData({ store, blobs, events, clock, newId: countingIds('i'), temporary: folder, objects });
armed = true;
const by = { identity: 'ada', name: 'Ada' };
await data.ingestFiles({ dataset: 'd', path: folder + '/docs', source: 'docs', by });
process.stdout.write('acknowledged');
process.exit(0);
`;

// Killed at its nth deletion.
const collecting = `
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
const [folder, nth] = process.argv.slice(1);
const { rmSync } = fs;
let deleted = 0;
fs.rmSync = (path, ...rest) => {
  if (String(path).includes('/files/md5/') && ++deleted === Number(nth)) process.kill(process.pid, 'SIGKILL');
  return rmSync(path, ...rest);
};
syncBuiltinESMExports();
const { openWorkspace } = await import('#workspace');
await openWorkspace(folder).garbage({ signal: new AbortController().signal, threads: 1, apply: true, graceMs: -1000 });
`;

async function writeDocs(folder: string, words: string): Promise<void> {
  await mkdir(join(folder, 'docs'), { recursive: true });
  for (let at = 0; at < count; at++) await writeFile(join(folder, 'docs', `${at}.txt`), `${words} ${at}`);
}

async function opened(folder: string): Promise<AsyncDisposable & { readonly data: Data }> {
  const store = await openStore({ url: `sqlite:${folder}/store.db` });
  await store.migrate([eventsMigrations, dataMigrations]);
  const blobs = await openFsBlobs({ dir: join(folder, 'blobs') });
  const clock = manualClock(0);
  const events = openEvents<EventTypes>({ store, clock, newId: countingIds('f'), source: '/test' });
  const objects = openWorkspaceObjects(folder);
  const data = openData({ store, blobs, events, clock, newId: countingIds('j'), temporary: folder, objects });
  return {
    data,
    [Symbol.asyncDispose]: async () => {
      await data.ingestions[Symbol.asyncDispose]();
      await events[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}

/** Every file of every recorded version has the bytes that were recorded. @returns how many versions there are */
async function requireWhole(data: Data): Promise<number> {
  const { items } = await data.list();
  for (const { digest } of items) {
    const { items: files } = await data.files.list(digest, { limit: 1000 });
    assert.equal(files.length, count);
    for (const { sha256 } of files) {
      const { bytes } = await data.files.file(digest, sha256);
      assert.ok(bytes instanceof Uint8Array);
      assert.equal(createHash('sha256').update(bytes).digest('hex'), sha256);
    }
  }
  return items.length;
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'gyre-kill-files-'));
  try {
    await writeDocs(folder, 'first');
    await openWorkspace(folder).add([join(folder, 'docs')], options);
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

describe('a process killed while it records a tracked folder', () => {
  for (const fault of ['blob.rename:1', 'blob.fsync:2', 'store.commit.after:1', 'store.commit.before:2', 'store.commit.after:2']) {
    test(`at ${fault} leaves a whole version or none, and no sweep of the cache takes what is recorded`, () =>
      inFolder(async (folder) => {
        await (await opened(folder))[Symbol.asyncDispose]();
        const killed = spawnSync(process.execPath, ['--input-type=module', '-e', ingesting, folder, fault], { encoding: 'utf8' });
        assert.equal(killed.signal, 'SIGKILL', killed.stderr);
        // from now on nothing but the record names what the folder held
        const workspace = openWorkspace(folder);
        await writeDocs(folder, 'second');
        await workspace.add([join(folder, 'docs')], options);
        await workspace.garbage(sweeping);
        await using room = await opened(folder);
        assert.equal(await requireWhole(room.data), fault === 'store.commit.after:2' ? 1 : 0);
        await room.data.ingestFiles({ dataset: 'd', path: join(folder, 'docs'), source: 'docs', by: ada });
        assert.equal(await requireWhole(room.data), fault === 'store.commit.after:2' ? 2 : 1);
      }));
  }
});

describe('a sweep of the cache killed with -9', () => {
  for (const nth of [1, 2, count, 2 * count]) {
    test(`at its deletion ${nth} has taken nothing that a version, a .dvc file or the folder needs, and the next one completes it`, () =>
      inFolder(async (folder) => {
        const workspace = openWorkspace(folder);
        await using room = await opened(folder);
        const ingest = () => room.data.ingestFiles({ dataset: 'd', path: join(folder, 'docs'), source: 'docs', by: ada });
        await ingest();
        // two states that nothing names any more, one that is recorded, one that is the folder's
        for (const words of ['lost', 'also lost', 'third', 'now']) {
          await writeDocs(folder, words);
          await workspace.add([join(folder, 'docs')], options);
          if (words === 'third') await ingest();
        }
        const killed = spawnSync(process.execPath, ['--input-type=module', '-e', collecting, folder, String(nth)], { encoding: 'utf8' });
        assert.equal(killed.signal, 'SIGKILL', killed.stderr);
        assert.equal(await requireWhole(room.data), 2);
        const rest = await workspace.garbage(sweeping);
        assert.deepEqual([rest.kept, rest.garbage.length], [2, 2 * (count + 1) - (nth - 1)]);
        assert.equal(await requireWhole(room.data), 2);
        const [status] = await workspace.status([], options);
        assert.deepEqual([status.state, status.missing], ['clean', []]);
        assert.deepEqual((await workspace.garbage(sweeping)).garbage, []);
      }));
  }
});
