import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { hasCode } from '#core';
import type { FaultPoint } from '#core';
import { storeContract } from './contract.ts';
import type { StoreFixture } from './contract.ts';
import { openStore } from './index.ts';
import type { MigrationSet, Tx } from './index.ts';

async function folder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'gyre-sqlite-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

async function sqliteFile(): Promise<StoreFixture> {
  const { path, ...disposable } = await folder();
  return { open: () => openStore({ url: `sqlite:${join(path, 'gyre.db')}` }), ...disposable };
}

storeContract('SQLite in a file', sqliteFile);

interface Tables {
  pages: { name: string; text: string };
}

const pages: MigrationSet = {
  room: 'pages',
  migrations: [
    {
      id: '0001-pages',
      async up({ schema, types }) {
        await schema
          .createTable('pages')
          .addColumn('name', types.text, (column) => column.primaryKey())
          .addColumn('text', types.text, (column) => column.notNull())
          .execute();
      },
    },
  ],
};

async function addPage(tx: Tx, page: Tables['pages']): Promise<void> {
  await tx.tables<Tables>().insertInto('pages').values(page).execute();
}

/** A process of its own that writes a thousand notes, eight at a time, and prints each that was acknowledged, until it is cut down. */
const program = `
  import { writeSync } from 'node:fs';
  import { openStore } from ${JSON.stringify(fileURLToPath(new URL('./index.ts', import.meta.url)))};
  import { faultAt } from ${JSON.stringify(fileURLToPath(import.meta.resolve('#core')))};
  const [url, fault] = process.argv.slice(1);
  const store = await openStore({ url, faults: faultAt(fault, () => process.kill(process.pid, 'SIGKILL')) });
  const add = async (tx, n) => {
    for (const half of ['a', 'b']) await tx.tables().insertInto('pages').values({ name: n + half, text: '' }).execute();
  };
  let next = 0;
  const writer = async () => {
    for (let n = next++; n < 1000; n = next++) {
      await store.write(add, n);
      writeSync(1, n + '\\n');
    }
  };
  await Promise.all(Array.from({ length: 8 }, writer));
`;

describe('the SQLite store', () => {
  test('killed at any commit or flush, everything acknowledged is there and nothing is half there', async () => {
    for (const fault of ['store.commit.before:7', 'store.commit.after:7', 'store.fsync:9', 'store.acknowledge:5']) {
      await using temporary = await folder();
      const url = `sqlite:${join(temporary.path, 'gyre.db')}`;
      await (async () => {
        await using store = await openStore({ url });
        await store.migrate([pages]);
      })();
      const child = spawnSync(process.execPath, ['--input-type=module', '-e', program, url, fault], { encoding: 'utf8' });
      assert.equal(child.signal, 'SIGKILL', `${fault}: ${child.stderr}`);
      const acknowledged = child.stdout.trim().split('\n');
      assert.ok(acknowledged.length > 8, `${fault}: ${acknowledged.length} acknowledged`);
      await using store = await openStore({ url });
      const rows = await store.read((db) => db.tables<Tables>().selectFrom('pages').select('name').execute());
      const names = new Set(rows.map(({ name }) => name));
      for (const n of acknowledged) assert.ok(names.has(`${n}a`), `${fault}: ${n} was acknowledged and is gone`);
      for (const name of names)
        assert.ok(names.has(`${name.slice(0, -1)}a`) && names.has(`${name.slice(0, -1)}b`), `${fault}: half of ${name}`);
    }
  });

  test('moves its log into the database file while it writes, and lets it begin anew', async () => {
    await using place = await folder();
    const path = join(place.path, 'gyre.db');
    await using store = await openStore({ url: `sqlite:${path}` });
    await store.migrate([pages]);
    const megabytes = 200;
    for (let n = 0; n < megabytes; n++) await store.write(addPage, { name: `p${n}`, text: 'x'.repeat(1_000_000) });
    const sizes = await Promise.all([stat(path), stat(`${path}-wal`)]);
    const [inFile, inLog] = sizes.map(({ size }) => size / 1_000_000);
    assert.ok(inFile > megabytes / 2, `${inFile} MB of ${megabytes} are in the database file`);
    assert.ok(inLog < megabytes * 0.7, `the log has ${inLog} MB`);
  });

  test('in memory is private, works, and leaves no folder behind', async () => {
    const one = await openStore({ url: 'sqlite::memory:' });
    await using other = await openStore({ url: 'sqlite::memory:' });
    await one.migrate([pages]);
    await other.migrate([pages]);
    await one.write(addPage, { name: 'a', text: '' });
    await other.write(addPage, { name: 'a', text: '' });
    await one[Symbol.asyncDispose]();
    assert.equal((await other.read((db) => db.tables<Tables>().selectFrom('pages').selectAll().execute())).length, 1);
  });

  test('refuses a write that awaits something else, and keeps those beside it', async () => {
    await using store = await openStore({ url: 'sqlite::memory:' });
    await store.migrate([pages]);
    const outcomes = await Promise.allSettled([
      store.write(addPage, { name: 'before', text: '' }),
      store.write(async (tx) => {
        await addPage(tx, { name: 'slow', text: '' });
        await new Promise((resolve) => setTimeout(resolve, 50));
        await addPage(tx, { name: 'slower', text: '' });
      }, undefined),
      store.write(addPage, { name: 'after', text: '' }),
    ]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    const [, refused] = outcomes;
    assert.ok(refused.status === 'rejected' && /awaited something other than its transaction/.test(String(refused.reason)));
    const rows = await store.read((db) => db.tables<Tables>().selectFrom('pages').select('name').orderBy('name').execute());
    assert.deepEqual(rows, [{ name: 'after' }, { name: 'before' }]);
  });

  test('a write inside a write is refused instead of waiting for itself', async () => {
    await using store = await openStore({ url: 'sqlite::memory:' });
    await store.migrate([pages]);
    const inner = Promise.withResolvers<void>();
    const nested = store.write(() => {
      inner.resolve(store.write(addPage, { name: 'inner', text: '' }));
      return inner.promise;
    }, undefined);
    await assert.rejects(nested, (error) => hasCode(error, 'FAILED_PRECONDITION'));
    // The inner one was a write of its own and stands.
    await inner.promise;
    const rows = await store.read((db) => db.tables<Tables>().selectFrom('pages').select('name').execute());
    assert.deepEqual(rows, [{ name: 'inner' }]);
  });

  test('a full disk refuses the write that does not fit, stays readable, and takes smaller ones', async () => {
    await using temporary = await folder();
    await using store = await openStore({ url: `sqlite:${join(temporary.path, 'gyre.db')}`, maxSizeBytes: 200_000 });
    await store.migrate([pages]);
    await store.write(addPage, { name: 'small', text: 'x' });
    const outcomes = await Promise.allSettled([
      store.write(addPage, { name: 'beside', text: 'y' }),
      store.write(addPage, { name: 'huge', text: 'x'.repeat(400_000) }),
      store.write(addPage, { name: 'behind', text: 'z' }),
    ]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    const [, full] = outcomes;
    assert.ok(full.status === 'rejected' && hasCode(full.reason, 'RESOURCE_EXHAUSTED'), String(full));
    const rows = await store.read((db) => db.tables<Tables>().selectFrom('pages').select('name').orderBy('name').execute());
    assert.deepEqual(rows, [{ name: 'behind' }, { name: 'beside' }, { name: 'small' }]);
  });

  test('a write that comes in any microtask after a failed commit is not forgotten', async () => {
    let refusing = false;
    const faults = {
      at: (point: FaultPoint) => {
        if (refusing && point === 'store.commit.before') throw new Error('no commit today');
      },
    };
    await using store = await openStore({ url: 'sqlite::memory:', faults });
    await store.migrate([pages]);
    for (let microtasks = 0; microtasks < 12; microtasks++) {
      refusing = true;
      await store.write(addPage, { name: `refused ${microtasks}`, text: '' }).catch(() => undefined);
      refusing = false;
      for (let i = 0; i < microtasks; i++) await Promise.resolve();
      await store.write(addPage, { name: `after ${microtasks}`, text: '' });
    }
    const rows = await store.read((db) => db.tables<Tables>().selectFrom('pages').select('name').execute());
    assert.ok(rows.length === 12 && rows.every(({ name }) => name.startsWith('after')));
  });

  test('many writes at once share commits; one after another each has its own', async () => {
    await using temporary = await folder();
    const passed: FaultPoint[] = [];
    await using store = await openStore({
      url: `sqlite:${join(temporary.path, 'gyre.db')}`,
      faults: { at: (point) => passed.push(point) },
    });
    await store.migrate([pages]);
    const commits = () => passed.filter((point) => point === 'store.commit.after').length;
    const before = commits();
    await Promise.all(Array.from({ length: 64 }, (_, i) => store.write(addPage, { name: `together-${i}`, text: '' })));
    const together = commits() - before;
    assert.ok(together <= 4, `${together} commits for 64 writes`);
    for (let i = 0; i < 5; i++) await store.write(addPage, { name: `alone-${i}`, text: '' });
    assert.equal(commits() - before - together, 5);
  });

  test('acknowledges only after the flush that follows the commit', async () => {
    await using temporary = await folder();
    const passed: string[] = [];
    await using store = await openStore({
      url: `sqlite:${join(temporary.path, 'gyre.db')}`,
      faults: { at: (point) => passed.push(point) },
    });
    await store.migrate([pages]);
    passed.length = 0;
    await store.write(addPage, { name: 'a', text: '' }).then(() => passed.push('acknowledged'));
    assert.deepEqual(passed, ['store.commit.before', 'store.commit.after', 'store.fsync', 'store.acknowledge', 'acknowledged']);
  });

  test('after a flush that failed nothing more is promised', async () => {
    await using temporary = await folder();
    let diskBroken = false;
    const faults = {
      at: (point: FaultPoint) => {
        if (diskBroken && point === 'store.fsync') throw new Error('EIO: i/o error, fdatasync');
      },
    };
    await using store = await openStore({ url: `sqlite:${join(temporary.path, 'gyre.db')}`, faults });
    await store.migrate([pages]);
    diskBroken = true;
    await assert.rejects(store.write(addPage, { name: 'lost', text: '' }), (error) => hasCode(error, 'UNAVAILABLE'));
    diskBroken = false;
    await assert.rejects(store.write(addPage, { name: 'later', text: '' }), /restart Gyre/);
  });

  test('an effect that throws does not harm the writes beside it', async () => {
    await using store = await openStore({ url: 'sqlite::memory:' });
    await store.migrate([pages]);
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
    const noisy = store.write(async (tx) => {
      tx.afterCommit(() => {
        throw new Error('boom');
      });
      await addPage(tx, { name: 'noisy', text: '' });
    }, undefined);
    await Promise.all([noisy, store.write(addPage, { name: 'quiet', text: '' })]);
    assert.match((await warned).message, /boom/);
  });

  test('a file that is no database is DATA_LOSS, a folder that cannot be made PERMISSION_DENIED', async () => {
    await using temporary = await folder();
    const path = join(temporary.path, 'text.db');
    await writeFile(path, 'this is no database, but long enough to be looked at as one. '.repeat(100));
    await assert.rejects(openStore({ url: `sqlite:${path}` }), (error) => hasCode(error, 'DATA_LOSS'));
    await assert.rejects(openStore({ url: `sqlite:${path}/below/gyre.db` }), (error) => hasCode(error, 'PERMISSION_DENIED'));
  });

  test('a URL of another kind is refused without showing its password', async () => {
    const opening = openStore({ url: 'mysql://me:hidden@host/db' });
    await assert.rejects(opening, (error) => hasCode(error, 'INVALID_ARGUMENT') && !error.message.includes('hidden'));
  });
});
