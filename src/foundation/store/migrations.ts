import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { GyreError } from '#core';
import type { ColumnTypes, Migration, MigrationSet, MigrationTx } from './port.ts';

interface MigrationTables {
  gyre_migrations: { room: string; id: string };
}

/** What the runner needs of a database. */
export interface MigrationHost {
  readonly types: ColumnTypes;
  readonly clustered: MigrationTx['clustered'];
  /** The statements that make a table append-only. */
  readonly appendOnly: (table: string) => readonly string[];
  /** Whether the table is there. */
  hasTable(name: string): Promise<boolean>;
  read<R>(query: (queries: Kysely<unknown>) => Promise<R>): Promise<R>;
  /** One transaction, with no other migration of any process beside it, that sees all that came before. */
  exclusive<R>(step: (queries: Kysely<unknown>) => Promise<R>): Promise<R>;
}

/** @see Store.migrate */
export async function runMigrations(host: MigrationHost, sets: readonly MigrationSet[]): Promise<void> {
  if (await host.hasTable('gyre_migrations')) {
    const applied = await host.read(appliedIds);
    if (sets.every((set) => pendingOf(set, applied).length === 0)) return;
  }
  await host.exclusive(async (queries) => {
    await sql`create table if not exists gyre_migrations (position ${host.types.sequenceKey}, room ${host.types.text} not null, id ${host.types.text} not null, unique (room, id))`.execute(
      queries,
    );
  });
  for (const set of sets) {
    for (const migration of set.migrations) await host.exclusive((queries) => apply(host, queries, set, migration));
  }
}

async function apply(host: MigrationHost, queries: Kysely<unknown>, set: MigrationSet, migration: Migration): Promise<void> {
  // Asked again inside the lock: another process may have been quicker.
  if (!pendingOf(set, await appliedIds(queries)).includes(migration)) return;
  // The tables are those that this migration knows: only it can say their types.
  await migration.up({
    schema: queries.schema,
    types: host.types,
    clustered: host.clustered,
    tables: <T>() => queries as Kysely<T>,
    appendOnly: async (table) => {
      for (const statement of host.appendOnly(table)) await sql.raw(statement).execute(queries);
    },
  });
  const records = queries as Kysely<MigrationTables>;
  await records.insertInto('gyre_migrations').values({ room: set.room, id: migration.id }).execute();
}

async function appliedIds(queries: Kysely<unknown>): Promise<ReadonlyMap<string, readonly string[]>> {
  const { rows } = await sql<{ room: string; id: string }>`select room, id from gyre_migrations order by position`.execute(queries);
  return Map.groupBy(rows, ({ room }) => room)
    .entries()
    .reduce(
      (rooms, [room, records]) =>
        rooms.set(
          room,
          records.map(({ id }) => id),
        ),
      new Map<string, string[]>(),
    );
}

function pendingOf(set: MigrationSet, applied: ReadonlyMap<string, readonly string[]>): readonly Migration[] {
  const done = applied.get(set.room) ?? [];
  const known = set.migrations.map(({ id }) => id);
  const stranger = done.find((id, index) => known[index] !== id);
  if (stranger !== undefined) {
    throw new GyreError(
      'FAILED_PRECONDITION',
      known.includes(stranger)
        ? `migrations of "${set.room}" were applied in another order than this Gyre knows them: ${done.join(', ')}`
        : `the store has migration "${stranger}" of "${set.room}", which this Gyre does not know: it was made by a newer version`,
      { room: set.room, migration: stranger },
    );
  }
  return set.migrations.slice(done.length);
}
