import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { copyFromFile, copyToFile, openStore } from './index.ts';
import type { CopyRows, Store } from './index.ts';
import { addNote, first, nothing } from './notes-fixture.ts';
import type { CountedTables, TestTables } from './notes-fixture.ts';
import { postgresUrl, whyNoPostgres } from './postgres-fixture.ts';

describe('rows of PostgreSQL in a SQLite file, and back', { skip: await whyNoPostgres() }, () => {
  const names = [randomUUID(), randomUUID(), randomUUID()].map((id) => `gyre_test_${id.replaceAll('-', '')}`);
  let folder = '';
  let source: Store;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-copy-'));
    source = await openStore({ url: postgresUrl, schema: names[0] });
    await source.migrate([first]);
    await source.write(async (tx) => {
      const notes = tx.tables<TestTables>().insertInto('notes');
      const whole = {
        text: 'a "quoted" \\ {text}, with ä, 字, 😀 and\nlines',
        n: 9_007_199_254_740_993n,
        ratio: 0.1 + 0.2,
        done: true,
        body: { z: 1, a: ['é', null, { deep: 1e-7 }] },
        made_at: 1_700_000_000_123,
        bytes: new Uint8Array([0, 255, 7]),
      };
      await notes.values({ name: 'whole', ...whole }).execute();
      await notes.values({ name: 'empty', ...nothing }).execute();
      await notes.values({ name: 'infinite', ...nothing, ratio: Number.NEGATIVE_INFINITY, n: -5, done: false, text: '' }).execute();
      await tx.tables<TestTables>().insertInto('tags').values({ note: 'whole', tag: 'NULL' }).execute();
      const counted = tx.tables<TestTables>();
      for (const word of ['one', 'two', 'three']) await counted.insertInto('counted').values({ word }).execute();
      await counted.deleteFrom('counted').where('word', '=', 'three').execute();
    }, undefined);
  });
  after(async () => {
    await source[Symbol.asyncDispose]();
    const client = new pg.Client(postgresUrl);
    await client.connect();
    for (const name of names) await client.query(`drop schema if exists "${name}" cascade`);
    await client.end();
    await rm(folder, { recursive: true });
  });

  const between = (schema: string, path: string): CopyRows => ({
    url: postgresUrl,
    schema,
    path: join(folder, path),
    sets: [first],
    signal: new AbortController().signal,
  });
  const rowsOf = (store: Store): Promise<unknown> =>
    store.read(async (db) => {
      const tables = db.tables<TestTables & CountedTables>();
      return [
        (await tables.selectFrom('notes').selectAll().orderBy('name').execute()).map((row) => ({ ...row, body: JSON.stringify(row.body) })),
        await tables.selectFrom('tags').selectAll().execute(),
        await tables.selectFrom('counted').selectAll().orderBy('position').execute(),
      ];
    });
  const countOn = (store: Store): Promise<number> =>
    store.write(async (tx) => {
      const { position } = await tx
        .tables<CountedTables>()
        .insertInto('counted')
        .values({ word: 'next' } as CountedTables['counted'])
        .returning('position')
        .executeTakeFirstOrThrow();
      return position;
    }, undefined);

  test('are the same rows, and numbers that were given are not given again', async () => {
    await copyToFile(between(names[0], 'copy.db'));
    await copyFromFile(between(names[1], 'copy.db'));
    await using inFile = await openStore({ url: `sqlite:${join(folder, 'copy.db')}` });
    await using back = await openStore({ url: postgresUrl, schema: names[1] });
    const wanted = await rowsOf(source);
    assert.deepEqual(await rowsOf(inFile), wanted);
    assert.deepEqual(await rowsOf(back), wanted);
    assert.deepEqual([await countOn(inFile), await countOn(back)], [4, 4]);
  });

  test('are those of one instant while others write', async () => {
    let goesOn = true;
    let written = 0;
    const writing = (async () => {
      for (; goesOn; written++) {
        const name = `note ${String(written).padStart(5, '0')}`;
        await source.write(async (tx) => {
          await addNote(tx, name);
          await tx.tables<TestTables>().insertInto('tags').values({ note: name, tag: 'beside it' }).execute();
        }, undefined);
      }
    })();
    while (written < 5) await new Promise(setImmediate);
    const before = written;
    await copyToFile(between(names[0], 'instant.db'));
    goesOn = false;
    await writing;
    await using inFile = await openStore({ url: `sqlite:${join(folder, 'instant.db')}` });
    const [notes, tags] = await inFile.read(async (db) => [
      await db.tables<TestTables>().selectFrom('notes').select('name').where('name', 'like', 'note %').orderBy('name').execute(),
      await db.tables<TestTables>().selectFrom('tags').select('note as name').where('tag', '=', 'beside it').orderBy('note').execute(),
    ]);
    assert.deepEqual(notes, tags, 'what came in one transaction is there together');
    assert.ok(notes.length >= before && notes.length <= written);
    assert.equal(notes.at(-1)?.name, `note ${String(notes.length - 1).padStart(5, '0')}`, 'without a gap');
  });

  test('go into no schema that has rows, and come from none of other tables', async () => {
    await assert.rejects(copyFromFile(between(names[0], 'copy.db')), { code: 'ALREADY_EXISTS', message: /has records already/ });
    await assert.rejects(copyToFile(between(names[2], 'none.db')), {
      code: 'FAILED_PRECONDITION',
      message: /are not those of this version/,
    });
  });
});
