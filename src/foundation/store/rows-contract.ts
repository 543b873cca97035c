import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addNote, nothing } from './notes-fixture.ts';
import type { TestTables } from './notes-fixture.ts';
import type { Db, RowsInto, Store, Tx } from './port.ts';

/** What many rows and patterns mean on every database: a part of the store's contract. */
export function rowsContract(store: () => Store): void {
  test('many rows go in at once, with what a conflict means, and come out as values', async () => {
    const into: RowsInto = {
      table: 'notes',
      columns: [
        { name: 'name', type: 'text' },
        { name: 'n', type: 'integer' },
        { name: 'ratio', type: 'real' },
        { name: 'done', type: 'boolean' },
      ],
    };
    const rows = Array.from(
      { length: 3000 },
      (_, i) => [`note-${i}`, i - 5, i === 7 ? Number.POSITIVE_INFINITY : i / 4, i % 2 === 0] as const,
    );
    await store().write((tx) => tx.insertRows(into, rows), undefined);
    await assert.rejects(
      store().write((tx) => tx.insertRows(into, [['new', 1, 1, true], ...rows.slice(0, 1)]), undefined),
      { code: 'ALREADY_EXISTS' },
    );
    await store().write((tx) => tx.insertRows({ ...into, onConflict: 'on conflict do nothing' }, rows.slice(0, 10)), undefined);
    const onConflict = 'on conflict (name) do update set n = excluded.n';
    await store().write((tx) => tx.insertRows({ ...into, onConflict }, [['note-3', 2 ** 40, null, null]]), undefined);
    const found = await store().read((db) =>
      db.values(
        db
          .tables<TestTables>()
          .selectFrom('notes')
          .select(['n', 'ratio'])
          .where('name', 'in', ['note-3', 'note-7', 'note-8', 'new'])
          .orderBy('name')
          .compile(),
      ),
    );
    assert.deepEqual(
      found.map((row) => [...row]),
      [
        [2 ** 40, 0.75],
        [2, Number.POSITIVE_INFINITY],
        [3, 2],
      ],
    );
    const typed = await store().read((db) =>
      db.tables<TestTables>().selectFrom('notes').select('done').where('name', '=', 'note-8').executeTakeFirst(),
    );
    assert.equal(typed?.done, true);
  });

  test('a change whose outcome nobody waits for is seen by what follows, and fails the write when it is refused', async () => {
    const insert = (tx: Tx, name: string): Promise<void> =>
      tx.change(
        tx
          .tables<TestTables>()
          .insertInto('notes')
          .values({ ...nothing, name })
          .compile(),
      );
    const namesIn = async (db: Db): Promise<string[]> =>
      (await db.tables<TestTables>().selectFrom('notes').select('name').orderBy('name').execute()).map(({ name }) => name);
    const seen = await store().write(async (tx) => {
      await insert(tx, 'one');
      await insert(tx, 'two');
      return namesIn(tx);
    }, undefined);
    assert.deepEqual(seen, ['one', 'two']);
    const refused = { code: 'ALREADY_EXISTS' };
    const last = async (tx: Tx): Promise<void> => {
      await insert(tx, 'three');
      await insert(tx, 'one');
    };
    await assert.rejects(store().write(last, undefined), refused);
    await assert.rejects(
      store().write(async (tx) => {
        await last(tx);
        return namesIn(tx);
      }, undefined),
      refused,
    );
    const caught = async (tx: Tx): Promise<void> => {
      await last(tx).catch(() => undefined);
      await insert(tx, 'four').catch(() => undefined);
    };
    await assert.rejects(store().write(caught, undefined), refused);
    assert.deepEqual(await store().read(namesIn), ['one', 'two']);
  });

  test('rows are found whose number is among many', async () => {
    await store().write(async (tx) => {
      for (const name of ['a', 'b', 'c']) await addNote(tx, name);
      await tx.tables<TestTables>().updateTable('notes').set({ n: 7 }).where('name', '=', 'b').execute();
    }, undefined);
    const found = (numbers: readonly number[]): Promise<readonly { name: string }[]> =>
      store().read((db) => db.tables<TestTables>().selectFrom('notes').select('name').where(db.among('notes.n', numbers)).execute());
    assert.deepEqual(await found(Array.from({ length: 5000 }, (_, index) => index + 5)), [{ name: 'b' }]);
    assert.deepEqual(await found([-1]), []);
    assert.deepEqual(await found([]), []);
  });

  test('rows are found by many keys at once, of text that needs care too', async () => {
    const names = ['plain', 'a "quoted", {braced} \\ one', 'ü ✓', ''];
    await store().write(async (tx) => {
      for (const name of names) await addNote(tx, name);
    }, undefined);
    const from = { table: 'notes', select: ['name', 'n'], by: [{ name: 'name', type: 'text' }] } as const;
    const keys = [...names, 'nobody'].map((name) => [name]);
    const found = await store().read((db) => db.rowsOf(from, keys));
    assert.deepEqual(
      found.map((rows) => rows.map(([name, n]) => [name, Number(n)])),
      [...names.map((name) => [[name, 0]]), []],
    );
    const twice = await store().read((db) => db.rowsOf(from, [['plain'], ['nobody'], ['plain']]));
    assert.deepEqual(
      twice.map((rows) => rows.length),
      [1, 0, 1],
    );
    assert.deepEqual(await store().read((db) => db.rowsOf(from, [])), []);
  });

  test('a pattern means the same on every database', async () => {
    const words = ['abc', 'ABC', 'aXc', 'a*c', 'a[b]c', 'a%c', 'a\\c', 'abcd'];
    await store().write(async (tx) => {
      for (const word of words) await addNote(tx, word);
    }, undefined);
    const like = async (pattern: string, ignoreCase = false): Promise<string[]> => {
      const rows = await store().read((db) =>
        db
          .tables<TestTables>()
          .selectFrom('notes')
          .select('name')
          .where(db.like('notes.name', pattern, { ignoreCase }))
          .execute(),
      );
      return words.filter((word) => rows.some(({ name }) => name === word));
    };
    assert.deepEqual(await like('abc'), ['abc']);
    assert.deepEqual(await like('abc', true), ['abc', 'ABC']);
    assert.deepEqual(await like('a_c'), ['abc', 'aXc', 'a*c', 'a%c', 'a\\c']);
    assert.deepEqual(await like('a*c'), ['a*c']);
    assert.deepEqual(await like('a[b]c'), ['a[b]c']);
    assert.deepEqual(await like('a\\c'), ['a\\c']);
    assert.deepEqual(await like('abc%'), ['abc', 'abcd']);
  });
}
