import { sql } from 'kysely';
import type { MigrationSet, Store, Tx } from './port.ts';

/* The tables that the contract suite works on, and the writes that several of its tests share. */

export interface Document {
  readonly [key: string]: unknown;
}

export interface TestTables {
  notes: {
    name: string;
    text: string | null;
    n: number | bigint | null;
    ratio: number | null;
    done: boolean | null;
    body: Document | null;
    made_at: number | null;
    bytes: Uint8Array | null;
  };
  tags: { note: string; tag: string };
  counted: { word: string };
}

export interface CountedTables {
  counted: { position: number; word: string };
}

export const first: MigrationSet = {
  room: 'notes',
  migrations: [
    {
      id: '0001-notes',
      async up({ schema, types }) {
        await schema
          .createTable('notes')
          .addColumn('name', types.text, (column) => column.primaryKey())
          .addColumn('text', types.text)
          .addColumn('n', types.integer, (column) => column.check(sql`n > -9000000000000000000`))
          .addColumn('ratio', types.real)
          .addColumn('done', types.boolean)
          .addColumn('body', types.json)
          .addColumn('made_at', types.instant)
          .addColumn('bytes', types.blob)
          .execute();
        await schema
          .createTable('tags')
          .addColumn('note', types.text, (column) => column.notNull().references('notes.name'))
          .addColumn('tag', types.text, (column) => column.notNull())
          .execute();
        await schema.createTable('counted').addColumn('position', types.sequenceKey).addColumn('word', types.text).execute();
      },
    },
  ],
};

export const nothing = { text: null, n: null, ratio: null, done: null, body: null, made_at: null, bytes: null };

export async function addNote(tx: Tx, name: string): Promise<void> {
  await tx
    .tables<TestTables>()
    .insertInto('notes')
    .values({ name, ...nothing, n: 0 })
    .execute();
}

export async function increment(tx: Tx, name: string): Promise<number> {
  const { n } = await tx.tables<TestTables>().selectFrom('notes').select('n').where('name', '=', name).executeTakeFirstOrThrow();
  const next = Number(n) + 1;
  await tx.tables<TestTables>().updateTable('notes').set({ n: next }).where('name', '=', name).execute();
  return next;
}

/** Adds the note that comes after the last one: who waited for the lock sees what the holder added. */
export async function addNext(tx: Tx): Promise<void> {
  await tx.lock('notes');
  const { count } = await tx
    .tables<TestTables>()
    .selectFrom('notes')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  await addNote(tx, `note ${String(count).padStart(2, '0')}`);
}

export async function namesIn(store: Store): Promise<readonly string[]> {
  const rows = await store.read((db) => db.tables<TestTables>().selectFrom('notes').select('name').orderBy('name').execute());
  return rows.map(({ name }) => name);
}
