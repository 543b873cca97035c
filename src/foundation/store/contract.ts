import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { sql } from 'kysely';
import { hasCode, messageOf } from '#core';
import type { ErrorCode } from '#core';
import { jsonValue } from './columns.ts';
import { addNext, addNote, first, increment, namesIn, nothing } from './notes-fixture.ts';
import type { CountedTables, Document, TestTables } from './notes-fixture.ts';
import type { Migration, MigrationSet, Store, Tx } from './port.ts';
import { rowsContract } from './rows-contract.ts';

/** An empty database that several stores can open, and that goes away. */
export interface StoreFixture extends AsyncDisposable {
  open(): Promise<Store>;
}

const failsWith = (code: ErrorCode) => (error: unknown) => hasCode(error, code);

/** What every metadata database promises. @param skip the reason why this one cannot be tried here */
export function storeContract(name: string, prepare: () => Promise<StoreFixture>, skip?: string): void {
  describe(`${name} keeps the store's contract`, { skip: skip ?? false }, () => {
    let fixture: StoreFixture;
    let store: Store;
    beforeEach(async () => {
      fixture = await prepare();
      store = await fixture.open();
      await store.migrate([first]);
    });
    afterEach(async () => {
      await store[Symbol.asyncDispose]();
      await fixture[Symbol.asyncDispose]();
    });

    test('a write that throws leaves nothing behind', async () => {
      const failing = store.write(async (tx) => {
        await addNote(tx, 'half');
        throw new Error('changed my mind');
      }, undefined);
      await assert.rejects(failing, /changed my mind/);
      assert.deepEqual(await namesIn(store), []);
    });

    test('a failed write takes none of those with it that were written at the same time', async () => {
      const writes = Array.from({ length: 40 }, (_, i) =>
        store.write(async (tx, index) => {
          await addNote(tx, `note-${String(index).padStart(2, '0')}`);
          if (index % 4 === 0) throw new Error(`no ${index}`);
        }, i),
      );
      const outcomes = await Promise.allSettled(writes);
      assert.equal(outcomes.filter(({ status }) => status === 'rejected').length, 10);
      const kept = outcomes.flatMap(({ status }, i) => (status === 'fulfilled' ? [`note-${String(i).padStart(2, '0')}`] : []));
      assert.deepEqual(await namesIn(store), kept);
    });

    test('what was acknowledged is read by this store and by another one', async () => {
      await using other = await fixture.open();
      for (let i = 0; i < 5; i++) {
        await store.write(addNote, `n${i}`);
        assert.equal((await namesIn(store)).length, i + 1);
        assert.equal((await namesIn(other)).length, i + 1);
      }
    });

    test('what was acknowledged is there after closing and opening again', async () => {
      await store.write(addNote, 'kept');
      await store[Symbol.asyncDispose]();
      store = await fixture.open();
      await store.migrate([first]);
      assert.deepEqual(await namesIn(store), ['kept']);
    });

    test('writers at the same time lose no update, also from two stores', async () => {
      await using other = await fixture.open();
      await store.write(addNote, 'counter');
      const results = await Promise.all(Array.from({ length: 30 }, (_, i) => (i % 2 === 0 ? store : other).write(increment, 'counter')));
      assert.deepEqual(
        results.toSorted((left, right) => left - right),
        Array.from({ length: 30 }, (_, i) => i + 1),
      );
    });

    test('a write that waited for a lock never meets the key that the holder has just added', async () => {
      await using other = await fixture.open();
      await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? store : other).write(addNext, undefined)));
      assert.deepEqual(
        await namesIn(store),
        Array.from({ length: 20 }, (_, i) => `note ${String(i).padStart(2, '0')}`),
      );
    });

    test('a unique key that exists is ALREADY_EXISTS, and the row stays as it was', async () => {
      await store.write(addNote, 'once');
      await assert.rejects(store.write(addNote, 'once'), failsWith('ALREADY_EXISTS'));
      assert.deepEqual(await namesIn(store), ['once']);
    });

    test('a reference to nothing is FAILED_PRECONDITION', async () => {
      const dangling = store.write(
        (tx) => tx.tables<TestTables>().insertInto('tags').values({ note: 'nowhere', tag: 't' }).execute(),
        undefined,
      );
      await assert.rejects(dangling, failsWith('FAILED_PRECONDITION'));
    });

    test('a missing value and a failed check are INVALID_ARGUMENT', async () => {
      const missing = store.write((tx) => sql`insert into tags (note) values (${'x'})`.execute(tx.tables()), undefined);
      await assert.rejects(missing, failsWith('INVALID_ARGUMENT'));
      const refused = store.write(
        (tx) =>
          tx
            .tables<TestTables>()
            .insertInto('notes')
            .values({ name: 'low', ...nothing, n: -9_100_000_000_000_000_000n })
            .execute(),
        undefined,
      );
      await assert.rejects(refused, failsWith('INVALID_ARGUMENT'));
    });

    test('a query that failed ends its write, even when the error was caught', async () => {
      await store.write(addNote, 'once');
      const stubborn = store.write(async (tx) => {
        await addNote(tx, 'before');
        await addNote(tx, 'once').catch(() => undefined);
        await addNote(tx, 'after').catch(() => undefined);
      }, undefined);
      await assert.rejects(stubborn, failsWith('ALREADY_EXISTS'));
      assert.deepEqual(await namesIn(store), ['once']);
    });

    test('a query after the end of its write is refused', async () => {
      const kept: Tx[] = [];
      await store.write(async (tx) => {
        kept.push(tx);
        await addNote(tx, 'in time');
      }, undefined);
      await assert.rejects(addNote(kept[0], 'too late'), failsWith('FAILED_PRECONDITION'));
      assert.deepEqual(await namesIn(store), ['in time']);
    });

    test('a read sees one snapshot from its first query to its end', async () => {
      await store.write(addNote, 'a');
      const counts = await store.read(async (db) => {
        const before = await db.tables<TestTables>().selectFrom('notes').selectAll().execute();
        await store.write(addNote, 'b');
        const after = await db.tables<TestTables>().selectFrom('notes').selectAll().execute();
        return [before.length, after.length];
      });
      assert.deepEqual(counts, [1, 1]);
      assert.equal((await namesIn(store)).length, 2);
    });

    test('a read cannot write', async () => {
      await assert.rejects(store.read((db) => db.tables<TestTables>().insertInto('counted').values({ word: 'x' }).execute()));
    });

    test('values of every kind come back as they went in, in plain objects', async () => {
      const note = {
        name: 'kinds ✓ 𝄞',
        text: 'a "quoted" \n line',
        n: 9_007_199_254_740_991,
        ratio: 0.1,
        done: true,
        body: { z: 1, a: [true, null, 'ü', 1e-9], nested: { deep: '\u0000' } },
        made_at: 1_790_000_000_123,
        bytes: new Uint8Array([0, 255, 7]),
      };
      await store.write((tx) => tx.tables<TestTables>().insertInto('notes').values(note).execute(), undefined);
      const [row] = await store.read((db) => db.tables<TestTables>().selectFrom('notes').selectAll().execute());
      assert.deepEqual(row, note);
      assert.equal(JSON.stringify(row.body), JSON.stringify(note.body), 'the order of keys is kept');
      assert.equal(Object.getPrototypeOf(row), Object.prototype);
    });

    test('integers beyond 2^53 come back exact, as bigint, from SELECT and from RETURNING', async () => {
      const large = 2n ** 62n + 1n;
      const insert = (tx: Tx) =>
        tx
          .tables<TestTables>()
          .insertInto('notes')
          .values({ name: 'large', ...nothing, n: large })
          .returning(['n', 'done'])
          .execute();
      assert.deepEqual(await store.write(insert, undefined), [{ n: large, done: null }]);
      const read = () => store.read((db) => db.tables<TestTables>().selectFrom('notes').select('n').execute());
      assert.deepEqual(await read(), [{ n: large }]);
      await store.write(increment, 'large').catch(() => undefined);
      await store.write((tx) => tx.tables<TestTables>().updateTable('notes').set({ n: 5 }).execute(), undefined);
      assert.deepEqual(await read(), [{ n: 5 }]);
    });

    test('false, zero, infinities, empty text and bare JSON values are no nulls', async () => {
      const note = {
        name: '',
        text: '',
        n: 0,
        ratio: -Infinity,
        done: false,
        body: jsonValue<Document>({}),
        made_at: 0,
        bytes: new Uint8Array(),
      };
      await store.write((tx) => tx.tables<TestTables>().insertInto('notes').values(note).execute(), undefined);
      const [row] = await store.read((db) => db.tables<TestTables>().selectFrom('notes').selectAll().execute());
      assert.deepEqual(row, { ...note, body: {} });
      for (const bare of ['text', 12, true, null]) {
        await store.write((tx) => sql`update notes set body = ${jsonValue(bare)}`.execute(tx.tables()), undefined);
        const [{ body }] = await store.read((db) => db.tables<TestTables>().selectFrom('notes').select('body').execute());
        assert.equal(body, bare);
      }
    });

    test('NaN and text with NUL are refused, not changed', async () => {
      const set = (values: object) => store.write((tx) => tx.tables<TestTables>().updateTable('notes').set(values).execute(), undefined);
      await assert.rejects(set({ ratio: Number.NaN }), failsWith('INVALID_ARGUMENT'));
      await assert.rejects(set({ text: 'a\u0000b' }), failsWith('INVALID_ARGUMENT'));
    });

    test('counts and sums are numbers', async () => {
      for (const name of ['a', 'b', 'c']) await store.write(addNote, name);
      const row = await store.read((db) =>
        db
          .tables<TestTables>()
          .selectFrom('notes')
          .select((on) => [on.fn.countAll<number>().as('rows'), on.fn.sum<number>('n').as('total')])
          .executeTakeFirstOrThrow(),
      );
      assert.deepEqual(row, { rows: 3, total: 0 });
    });

    test('text is ordered by its code points', async () => {
      for (const name of ['b', 'B', 'a', 'é', '_']) await store.write(addNote, name);
      assert.deepEqual(await namesIn(store), ['B', '_', 'a', 'b', 'é']);
    });

    test('a sequence key counts up and is never used again', async () => {
      const add = (tx: Tx, word: string) =>
        tx
          .tables<CountedTables>()
          .insertInto('counted')
          .values({ word } as CountedTables['counted'])
          .returning('position')
          .executeTakeFirstOrThrow();
      const one = await store.write(add, 'one');
      const two = await store.write(add, 'two');
      await store.write((tx) => tx.tables<CountedTables>().deleteFrom('counted').execute(), undefined);
      const three = await store.write(add, 'three');
      assert.ok(one.position < two.position && two.position < three.position, `${one.position}, ${two.position}, ${three.position}`);
    });

    test('effects leave after COMMIT, in order, and never for a write that failed', async () => {
      const seen: string[] = [];
      await store.write(async (tx) => {
        tx.afterCommit(() => seen.push('first'));
        tx.afterCommit(() => seen.push('second'));
        await addNote(tx, 'a');
        assert.deepEqual(seen, []);
      }, undefined);
      assert.deepEqual(seen, ['first', 'second']);
      const failing = store.write(async (tx) => {
        tx.afterCommit(() => seen.push('never'));
        await addNote(tx, 'a');
      }, undefined);
      await assert.rejects(failing);
      assert.deepEqual(seen, ['first', 'second']);
    });

    test('last steps run once per key, inside the transaction', async () => {
      await store.write(async (tx) => {
        tx.beforeCommit('k', () => addNote(tx, 'last step'));
        tx.beforeCommit('k', () => addNote(tx, 'not this one'));
        await addNote(tx, 'work');
      }, undefined);
      assert.deepEqual(await namesIn(store), ['last step', 'work']);
      const failing = store.write(async (tx) => {
        tx.beforeCommit('k', () => Promise.reject(new Error('refused at the end')));
        await addNote(tx, 'gone');
      }, undefined);
      await assert.rejects(failing, /refused at the end/);
      assert.deepEqual(await namesIn(store), ['last step', 'work']);
    });

    test('transactions are not made by the query builder', async () => {
      await assert.rejects(
        store.write(
          (tx) =>
            tx
              .tables<TestTables>()
              .transaction()
              .execute(() => Promise.resolve()),
          undefined,
        ),
        failsWith('FAILED_PRECONDITION'),
      );
    });

    test('a closed store says so', async () => {
      await using other = await fixture.open();
      await other[Symbol.asyncDispose]();
      await assert.rejects(other.write(addNote, 'x'), failsWith('UNAVAILABLE'));
      await assert.rejects(namesIn(other), failsWith('UNAVAILABLE'));
    });

    rowsContract(() => store);

    describe('migrating', () => {
      const words = (ids: readonly string[], ran: string[]): MigrationSet => ({
        room: 'words',
        migrations: ids.map((id) => ({
          id,
          async up({ schema, types }) {
            ran.push(id);
            await schema
              .createTable(`words_${id.slice(0, 4)}`)
              .addColumn('word', types.text)
              .execute();
          },
        })),
      });

      test('runs each migration once, in order, also when more are added later', async () => {
        const ran: string[] = [];
        await store.migrate([words(['0001-a', '0002-b'], ran)]);
        await store.migrate([words(['0001-a', '0002-b'], ran)]);
        await store.migrate([first, words(['0001-a', '0002-b', '0003-c'], ran)]);
        assert.deepEqual(ran, ['0001-a', '0002-b', '0003-c']);
      });

      test('makes a table append-only: the database itself refuses to change or delete a row', async () => {
        const up: MigrationSet['migrations'][number]['up'] = async ({ schema, types, appendOnly }) => {
          await schema.createTable('entries').addColumn('word', types.text).execute();
          await appendOnly('entries');
        };
        await store.migrate([{ room: 'entries', migrations: [{ id: '0001-entries', up }] }]);
        const add = (word: string): Promise<unknown> =>
          store.write((tx) => tx.tables<{ entries: { word: string } }>().insertInto('entries').values({ word }).execute(), undefined);
        await add('first');
        for (const change of [sql`update entries set word = 'other'`, sql`delete from entries`]) {
          await assert.rejects(
            store.write((tx) => change.execute(tx.tables()), undefined),
            (error) => failsWith('INVALID_ARGUMENT')(error) && /append-only/.test(messageOf(error)),
          );
        }
        await add('second');
        const { rows } = await store.read((db) => sql<{ word: string }>`select word from entries order by word`.execute(db.tables()));
        assert.deepEqual(rows, [{ word: 'first' }, { word: 'second' }]);
      });

      test('a table that a migration makes anew is read by its new columns, also by a connection that knew the old ones', async () => {
        interface Before {
          things: { name: string; body: string };
        }
        interface After {
          things: { added: string | null; name: string; body: Document };
          things_next: After['things'];
        }
        const made: Migration = {
          id: '0001-things',
          async up(tx) {
            await tx.schema.createTable('things').addColumn('name', tx.types.text).addColumn('body', tx.types.text).execute();
            await tx.tables<Before>().insertInto('things').values({ name: 'one', body: '{"a":1}' }).execute();
          },
        };
        const again: Migration = {
          id: '0002-again',
          async up(tx) {
            const { schema, types } = tx;
            const next = schema.createTable('things_next').addColumn('added', types.text).addColumn('name', types.text);
            await next.addColumn('body', types.json).execute();
            const rows = await tx.tables<Before>().selectFrom('things').selectAll().execute();
            for (const { name } of rows) {
              await tx
                .tables<After>()
                .insertInto('things_next')
                .values({ added: null, name, body: { a: 2 } })
                .execute();
            }
            await schema.dropTable('things').execute();
            await schema.alterTable('things_next').renameTo('things').execute();
            const found = await tx.tables<After>().selectFrom('things').selectAll().execute();
            assert.deepEqual(found, [{ added: null, name: 'one', body: { a: 2 } }]);
          },
        };
        const rows = () => store.read((db) => db.tables<After>().selectFrom('things').selectAll().execute());
        await store.migrate([{ room: 'things', migrations: [made] }]);
        assert.deepEqual(await rows(), [{ name: 'one', body: '{"a":1}' }]);
        await store.migrate([{ room: 'things', migrations: [made, again] }]);
        assert.deepEqual(await rows(), [{ added: null, name: 'one', body: { a: 2 } }]);
      });

      test('by two at once runs each migration once', async () => {
        await using other = await fixture.open();
        const ran: string[] = [];
        const set = words(['0001-a', '0002-b', '0003-c'], ran);
        await Promise.all([store.migrate([set]), other.migrate([set])]);
        assert.deepEqual(ran, ['0001-a', '0002-b', '0003-c']);
      });

      test('leaves nothing of one that fails, and goes on from there once it is mended', async () => {
        const ran: string[] = [];
        const good = words(['0001-a', '0002-b'], ran);
        const broken: MigrationSet = {
          room: 'words',
          migrations: [
            good.migrations[0],
            {
              id: '0002-b',
              async up({ schema, types }) {
                await schema.createTable('words_0002').addColumn('word', types.text).execute();
                throw new Error('half-way');
              },
            },
          ],
        };
        await assert.rejects(store.migrate([broken]), /half-way/);
        await store.migrate([good]);
        assert.deepEqual(ran, ['0001-a', '0002-b']);
      });

      test('refuses a store from a newer version, and an order that changed', async () => {
        await store.migrate([words(['0001-a', '0002-b'], [])]);
        await assert.rejects(store.migrate([words(['0001-a'], [])]), /0002-b.*newer version/);
        await assert.rejects(store.migrate([words(['0002-b', '0001-a'], [])]), /another order/);
      });
    });
  });
}
