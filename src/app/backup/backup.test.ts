import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { chmod, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import pg from 'pg';
import { noFaults, sha256, systemClock } from '#core';
import { openStore } from '#store';
import { openBlobs } from '../blobs.ts';
import { migrationSets } from '../migrations.ts';
import { settleSettings } from '../settings.ts';
import { backUp } from './backup.ts';
import { listBackups } from './layout.ts';
import type { BackupWorld } from './places.ts';
import { removeBackup } from './remove.ts';
import { restore } from './restore.ts';
import { verifyBackup } from './verify.ts';

const postgres = process.env['GYRE_TEST_POSTGRES'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';

async function inPostgres(query: string): Promise<void> {
  const client = new pg.Client({ connectionString: postgres, connectionTimeoutMillis: 2000 });
  try {
    await client.connect();
    await client.query(query);
  } finally {
    await client.end().catch(() => undefined);
  }
}

const noPostgres = await inPostgres('select 1').then(
  () => false,
  (error: unknown) => `no PostgreSQL answers (${String(error)}); GYRE_TEST_POSTGRES names one`,
);

interface Tables {
  metric_names: { name: string };
}

describe('a backup', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-backup-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const world = (
    data: string,
    flags: Readonly<Record<string, string>> = {},
    environment: Readonly<Record<string, string>> = {},
  ): BackupWorld => ({
    settings: settleSettings(folder, { flags: { data: join(folder, data), ...flags }, environment: {}, file: { path: '', values: {} } }),
    environment,
    clock: systemClock,
    faults: noFaults,
  });
  const to = (name: string, more: { readonly signal?: AbortSignal; readonly keep?: number; readonly id?: string } = {}) => ({
    folder: join(folder, name),
    signal: new AbortController().signal,
    progress: () => undefined,
    ...more,
  });
  /** Records (the names of metrics serve) and blobs, open as those of a platform that runs. */
  const running = async ({ settings, environment, clock }: BackupWorld) => {
    const { values, dataFolder } = settings;
    await using opened = new AsyncDisposableStack();
    const url = values.database === '' ? `sqlite:${join(dataFolder, 'gyre.db')}` : values.database;
    const store = opened.use(await openStore({ url, ...(values.databaseSchema === '' ? {} : { schema: values.databaseSchema }) }));
    await store.migrate(migrationSets);
    const { blobs } = opened.use(await openBlobs({ address: join(dataFolder, 'blobs') }, { environment, clock }));
    const closing = opened.move();
    return {
      blobs,
      put: async (text: string): Promise<string> => {
        const { digest } = await blobs.put(new TextEncoder().encode(text));
        await store.write(async (tx) => {
          await tx.tables<Tables>().insertInto('metric_names').values({ name: digest }).execute();
        }, undefined);
        return digest;
      },
      records: async (): Promise<string[]> => {
        const rows = await store.read((db) => db.tables<Tables>().selectFrom('metric_names').select('name').execute());
        return rows.map(({ name }) => name).sort();
      },
      stored: async (): Promise<string[]> => (await Array.fromAsync(blobs.list())).map(({ digest }) => digest),
      [Symbol.asyncDispose]: () => closing.disposeAsync(),
    };
  };
  const copyOf = (digest: string): string => join(folder, 'backups/blobs/sha256', digest.slice(0, 2), digest.slice(2));
  const spoil = async (path: string): Promise<void> => {
    await chmod(path, 0o644);
    await writeFile(path, Buffer.alloc((await readFile(path)).byteLength, 'x'));
  };
  const states = async (): Promise<readonly string[]> => (await listBackups(join(folder, 'backups'))).map(({ state }) => state);

  test('of a platform that runs is restored to the same records and blobs, and the one before it stays what it was', async () => {
    const source = world('data');
    await using platform = await running(source);
    const digests = [await platform.put('one'), await platform.put('two')];
    const first = await backUp(source, to('backups'));
    assert.deepEqual([first.blobs, first.bytes, first.database], [2, 6, 'sqlite']);
    digests.push(await platform.put('three'));
    const second = await backUp(source, to('backups'));
    assert.deepEqual([second.blobs, second.bytes], [3, 11]);
    await platform.put('after the backup');
    for (const [name, id, wanted] of [
      ['newest', undefined, digests],
      ['older', first.id, digests.slice(0, 2)],
    ] as const) {
      await restore(world(name), to('backups', id === undefined ? {} : { id }));
      await using restored = await running(world(name));
      assert.deepEqual(await restored.records(), wanted.toSorted());
      assert.deepEqual(await restored.stored(), wanted.toSorted());
      await assert.rejects(restore(world(name), to('backups')), { code: 'ALREADY_EXISTS' });
    }
    assert.deepEqual(await states(), ['whole', 'whole']);
  });

  test('that was cut off is no backup, leaves the earlier ones as they were, and is cleared away by the next', async () => {
    const source = world('data');
    await using platform = await running(source);
    const digest = await platform.put('one');
    await backUp(source, to('backups'));
    await platform.put('two');
    await assert.rejects(backUp(source, to('backups', { signal: AbortSignal.abort() })), { code: 'CANCELLED' });
    assert.deepEqual(await states(), ['cut_off', 'whole']);
    const [{ id }] = await listBackups(join(folder, 'backups'));
    await assert.rejects(restore(world('other'), to('backups', { id })), { code: 'FAILED_PRECONDITION', message: /is not whole/ });
    await restore(world('other'), to('backups'));
    {
      await using restored = await running(world('other'));
      assert.deepEqual(await restored.records(), [digest]);
    }
    await backUp(source, to('backups'));
    assert.deepEqual(await states(), ['whole', 'whole']);
    await assert.rejects(restore(world('none'), to('nowhere')), { code: 'FAILED_PRECONDITION', message: /no whole backup/ });
  });

  test('is checked byte by byte; what is damaged is named, not restored, and copied again by the next', async () => {
    const source = world('data');
    await using platform = await running(source);
    const [good, bad] = [await platform.put('one'), await platform.put('two')];
    const { id } = await backUp(source, to('backups'));
    const check = () => verifyBackup({ ...to('backups'), clock: systemClock });
    assert.deepEqual((await check()).damaged, []);
    await spoil(copyOf(bad));
    await assert.rejects(restore(world('other'), to('backups')), { code: 'DATA_LOSS' });
    assert.ok(!(await readdir(join(folder, 'other'))).includes('gyre.db'));
    assert.deepEqual((await check()).damaged, [`sha256/${bad.slice(0, 2)}/${bad.slice(2)}`]);
    assert.deepEqual(await states(), ['damaged']);
    await backUp(source, to('backups'));
    assert.deepEqual((await check()).damaged, []);
    assert.equal((await verifyBackup({ ...to('backups', { id }), clock: systemClock })).damaged.length, 0, 'they share their blobs');
    await spoil(join(folder, 'backups/backups', id, 'gyre.db'));
    assert.deepEqual((await verifyBackup({ ...to('backups', { id }), clock: systemClock })).damaged, ['gyre.db']);
    await assert.rejects(restore(world('third'), to('backups', { id })), {
      code: 'DATA_LOSS',
      message: /gyre\.db is not what was backed up/,
    });
    const original = join(folder, 'data/blobs/sha256', good.slice(0, 2), good.slice(2));
    await spoil(original);
    await assert.rejects(backUp(source, to('elsewhere')), { code: 'DATA_LOSS', message: new RegExp(good) });
  });

  test('stays as long as is said, and takes the blobs with it that no other one needs', async () => {
    const source = world('data');
    await using platform = await running(source);
    const old = await platform.put('old');
    await backUp(source, to('backups'));
    await platform.blobs.delete(sha256('old'));
    const young = await platform.put('young');
    const second = await backUp(source, to('backups'));
    assert.deepEqual(await states(), ['whole', 'whole']);
    await readFile(copyOf(old));
    await backUp(source, to('backups', { keep: 2 }));
    assert.equal((await states()).length, 2);
    await assert.rejects(readFile(copyOf(old)), { code: 'ENOENT' });
    await removeBackup(join(folder, 'backups'), second.id);
    assert.equal((await readFile(copyOf(young))).toString(), 'young');
    assert.deepEqual((await verifyBackup({ ...to('backups'), clock: systemClock })).damaged, []);
  });

  test('holds blobs sealed as they are, and copies those again that were sealed with another key', async () => {
    const [older, newer] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')];
    const source = world('data', {}, { GYRE_BLOBS_KEY: older });
    {
      await using platform = await running(source);
      await platform.put('a secret');
    }
    assert.equal((await backUp(source, to('backups'))).blobs, 1);
    {
      const { sealed } = await openBlobs(
        { address: join(folder, 'data/blobs') },
        { environment: { GYRE_BLOBS_KEY: `${newer},${older}` }, clock: systemClock },
      );
      assert.ok(sealed !== undefined);
      assert.equal((await Array.fromAsync(sealed.sealAll(new AbortController().signal))).length, 1);
    }
    const { id } = await backUp(source, to('backups'));
    for (const backup of await listBackups(join(folder, 'backups')))
      assert.deepEqual((await verifyBackup({ ...to('backups', { id: backup.id }), clock: systemClock })).damaged, []);
    await restore(world('other'), to('backups', { id }));
    await using restored = await running(world('other', {}, { GYRE_BLOBS_KEY: newer }));
    assert.equal(Buffer.from(await restored.blobs.read(sha256('a secret'))).toString(), 'a secret');
  });

  test('of a data folder without a database is refused as such', async () => {
    await assert.rejects(backUp(world('empty'), to('backups')), { code: 'FAILED_PRECONDITION', message: /nothing to back up/ });
  });

  test('goes into no folder that holds something else, and not into one where another is under way', async () => {
    const source = world('data');
    await using _platform = await running(source);
    await writeFile(join(folder, 'notes.txt'), 'mine');
    await assert.rejects(backUp(source, { ...to(''), folder }), { code: 'FAILED_PRECONDITION', message: /something else/ });
    assert.equal(await readFile(join(folder, 'notes.txt'), 'utf8'), 'mine');
    let second: Promise<unknown> | undefined;
    await backUp(source, {
      ...to('backups'),
      begun: () => {
        second = assert.rejects(backUp(source, to('backups')), { code: 'ALREADY_EXISTS' });
      },
    });
    assert.ok(second !== undefined);
    await second;
  });

  test('of PostgreSQL is restored into PostgreSQL and into SQLite', { skip: noPostgres }, async () => {
    const schemas = [0, 1].map(() => `gyre_test_${randomUUID().replaceAll('-', '')}`);
    const inSchema = (data: string, at: number): BackupWorld => world(data, { database: postgres, databaseSchema: schemas[at] });
    try {
      await using platform = await running(inSchema('data', 0));
      const digests = [await platform.put('one'), await platform.put('two')].sort();
      assert.equal((await backUp(inSchema('data', 0), to('backups'))).database, 'postgresql');
      await platform.put('after the backup');
      for (const target of [world('sqlite'), inSchema('postgres', 1)]) {
        await restore(target, to('backups'));
        await using restored = await running(target);
        assert.deepEqual(await restored.records(), digests);
        assert.deepEqual(await restored.stored(), digests);
      }
      await assert.rejects(restore(inSchema('again', 1), to('backups')), { code: 'ALREADY_EXISTS', message: /has records already/ });
    } finally {
      for (const schema of schemas) await inPostgres(`drop schema if exists "${schema}" cascade`);
    }
  });
});
