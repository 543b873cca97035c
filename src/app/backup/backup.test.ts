import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { openFsBlobs } from '#blobs';
import { settleSettings } from '../settings.ts';
import type { SettledSettings } from '../settings.ts';
import { backUp, restore } from './backup.ts';

describe('a backup', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-backup-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const settingsOf = (data: string): SettledSettings =>
    settleSettings(folder, { flags: { data: join(folder, data) }, environment: {}, file: { path: '', values: {} } });
  const to = (name: string, more: { readonly signal?: AbortSignal } = {}) => ({
    folder: join(folder, name),
    signal: new AbortController().signal,
    progress: () => undefined,
    ...more,
  });
  /** A data folder whose database is open, as that of a platform that runs. */
  const running = async (): Promise<{ readonly database: DatabaseSync; readonly put: (text: string) => Promise<string> } & Disposable> => {
    const blobs = await openFsBlobs({ dir: join(folder, 'data', 'blobs') });
    const database = new DatabaseSync(join(folder, 'data', 'gyre.db'));
    database.exec('pragma journal_mode = wal; create table if not exists records (digest text)');
    return {
      database,
      put: async (text) => {
        const { digest } = await blobs.put(new TextEncoder().encode(text));
        database.prepare('insert into records values (?)').run(digest);
        return digest;
      },
      [Symbol.dispose]: () => database.close(),
    };
  };
  const recordsIn = (name: string): readonly unknown[] => {
    const database = new DatabaseSync(join(folder, name, 'gyre.db'), { readOnly: true });
    try {
      return database
        .prepare('select digest from records order by rowid')
        .all()
        .map(({ digest }) => digest);
    } finally {
      database.close();
    }
  };

  test('of a folder in use is restored to the same records and blobs', async () => {
    using platform = await running();
    const digests = [await platform.put('one'), await platform.put('two')];
    assert.equal((await backUp(settingsOf('data'), to('backup'))).blobs, 2);
    digests.push(await platform.put('three'));
    const second = await backUp(settingsOf('data'), to('backup'));
    assert.deepEqual([second.blobs, second.bytes], [3, 11]);
    await platform.put('after the backup');
    await restore(settingsOf('other'), to('backup'));
    assert.deepEqual(recordsIn('other'), digests);
    const blobs = await openFsBlobs({ dir: join(folder, 'other', 'blobs') });
    assert.deepEqual(
      (await Array.fromAsync(blobs.list())).map(({ digest }) => digest),
      digests.toSorted(),
    );
    for await (const { digest } of blobs.list()) await blobs.verify(digest);
    await assert.rejects(restore(settingsOf('other'), to('backup')), { code: 'ALREADY_EXISTS' });
  });

  test('that was cut off is no backup, and the next one goes on', async () => {
    using platform = await running();
    const digest = await platform.put('one');
    await backUp(settingsOf('data'), to('backup'));
    await platform.put('two');
    const stopped = AbortSignal.abort(new Error('stopped'));
    await assert.rejects(backUp(settingsOf('data'), to('backup', { signal: stopped })), /stopped/);
    await assert.rejects(restore(settingsOf('other'), to('backup')), { code: 'FAILED_PRECONDITION', message: /no whole backup/ });
    assert.equal((await backUp(settingsOf('data'), to('backup'))).blobs, 2);
    await restore(settingsOf('other'), to('backup'));
    assert.equal(recordsIn('other')[0], digest);
  });

  test('says which blob is damaged, and restores nothing of a damaged backup', async () => {
    using platform = await running();
    const digest = await platform.put('one');
    await backUp(settingsOf('data'), to('backup'));
    const copy = join(folder, 'backup/blobs/sha256', digest.slice(0, 2), digest.slice(2));
    await chmod(copy, 0o644);
    await writeFile(copy, 'eno');
    await assert.rejects(restore(settingsOf('other'), to('backup')), { code: 'DATA_LOSS', message: new RegExp(digest) });
    assert.ok(!(await readdir(join(folder, 'other'))).includes('gyre.db'));
    const original = join(folder, 'data/blobs/sha256', digest.slice(0, 2), digest.slice(2));
    await chmod(original, 0o644);
    await writeFile(original, 'eno');
    await assert.rejects(backUp(settingsOf('data'), to('second')), { code: 'DATA_LOSS' });
  });

  test('goes into no folder that holds something else, and knows what it cannot copy', async () => {
    using _platform = await running();
    await writeFile(join(folder, 'notes.txt'), 'mine');
    await assert.rejects(backUp(settingsOf('data'), { ...to(''), folder }), { code: 'FAILED_PRECONDITION', message: /something else/ });
    assert.equal(await readFile(join(folder, 'notes.txt'), 'utf8'), 'mine');
    const postgres = settleSettings(folder, { flags: { database: 'postgres://h/d' }, environment: {}, file: { path: '', values: {} } });
    await assert.rejects(backUp(postgres, to('backup')), { code: 'FAILED_PRECONDITION', message: /pg_dump/ });
  });
});
