/*
 * Durable writes and point reads of the metadata store, beside SQLite's own synchronous=FULL on the event loop.
 * Usage: node bench/store.ts [folder]; GYRE_TEST_POSTGRES adds PostgreSQL.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { DatabaseSync } from 'node:sqlite';
import { sql } from 'kysely';
import { openStore } from '#store';
import type { MigrationSet, Store, Tx } from '#store';

interface Tables {
  measured: { position: number; key: string; value: number };
}

const migrations: MigrationSet = {
  room: 'bench',
  migrations: [
    {
      id: '0001-measured',
      up: ({ schema, types }) =>
        schema
          .createTable('measured')
          .addColumn('position', types.integer, (column) => column.primaryKey())
          .addColumn('key', types.text)
          .addColumn('value', types.real)
          .execute(),
    },
  ],
};

const insert = async (tx: Tx, position: number): Promise<void> => {
  await tx.tables<Tables>().insertInto('measured').values({ position, key: 'loss', value: 0.5 }).execute();
};

async function perSecond(times: number, writers: number, write: (n: number) => Promise<unknown> | void): Promise<string> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  let next = 0;
  const started = performance.now();
  const writer = async (): Promise<void> => {
    while (next < times) {
      const n = next++;
      await write(n);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await Promise.all(Array.from({ length: writers }, writer));
  const seconds = (performance.now() - started) / 1000;
  delay.disable();
  return `${String(Math.round(times / seconds)).padStart(7)} /s   event loop p99 ${(delay.percentile(99) / 1e6).toFixed(1)} ms, max ${(delay.max / 1e6).toFixed(1)} ms`;
}

async function measure(name: string, store: Store): Promise<void> {
  await store.migrate([migrations]);
  console.log(`${name}, one by one      ${await perSecond(500, 1, (n) => store.write(insert, n))}`);
  console.log(`${name}, 64 writers      ${await perSecond(8000, 64, (n) => store.write(insert, 1000 + n))}`);
  const started = performance.now();
  const reads = 2000;
  for (let n = 0; n < reads; n++) {
    await store.read((db) =>
      db
        .tables<Tables>()
        .selectFrom('measured')
        .selectAll()
        .where('position', '=', 1000 + n)
        .executeTakeFirst(),
    );
  }
  console.log(`${name}, point read      ${(((performance.now() - started) / reads) * 1000).toFixed(0).padStart(7)} µs`);
}

const folder = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'gyre-bench-'));
try {
  const plain = new DatabaseSync(join(folder, 'plain.db'));
  plain.exec(
    'pragma journal_mode = wal; pragma synchronous = full; create table measured (position integer primary key, key text, value real)',
  );
  const statement = plain.prepare('insert into measured values (?, ?, ?)');
  console.log(
    `floor: node:sqlite, synchronous=FULL, a commit per row, on the event loop ${await perSecond(500, 1, (n) => void statement.run(n, 'loss', 0.5))}`,
  );
  plain.close();
  await using store = await openStore({ url: `sqlite:${join(folder, 'gyre.db')}` });
  await measure('sqlite', store);
  await store[Symbol.asyncDispose]();
  const again = performance.now();
  const reopened = await openStore({ url: `sqlite:${join(folder, 'gyre.db')}` });
  await reopened.migrate([migrations]);
  console.log(`sqlite, open and migrate an existing store ${(performance.now() - again).toFixed(1)} ms`);
  await reopened[Symbol.asyncDispose]();
  const url = process.env['GYRE_TEST_POSTGRES'];
  if (url !== undefined) {
    await using postgres = await openStore({ url, schema: 'gyre_bench' });
    await measure('postgres', postgres);
    await postgres.write((tx) => sql`drop schema gyre_bench cascade`.execute(tx.tables()), undefined);
  }
} finally {
  rmSync(folder, { recursive: true });
}
