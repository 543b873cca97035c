import type { Actor, ImportCount, RecordImport } from '#contract';
import { isoInstant } from '#core';
import type { Db, Tx } from '#store';

interface ImportRow {
  readonly position?: number;
  readonly id: string;
  readonly kind: RecordImport['kind'];
  readonly source: string;
  readonly state: RecordImport['state'];
  readonly counts: Readonly<Record<string, ImportCount>>;
  readonly refusals: RecordImport['refusals'];
  readonly error: string | null;
  readonly started_at: number;
  readonly finished_at: number | null;
  readonly started_by: Actor;
}

interface Tables {
  record_imports: ImportRow;
  imported_records: { readonly source: string; readonly what: string; readonly record: string; readonly state: string };
}

/** An import as it is kept: instants in UTC milliseconds. */
export type KeptImport = Omit<RecordImport, 'startedAt' | 'finishedAt'> & { readonly startedAt: number; readonly finishedAt?: number };

export async function insertImport(tx: Tx, { startedAt, finishedAt, error, by, ...rest }: KeptImport): Promise<void> {
  const row: ImportRow = { ...rest, error: error ?? null, started_at: startedAt, finished_at: finishedAt ?? null, started_by: by };
  await tx.tables<Tables>().insertInto('record_imports').values(row).execute();
}

/** Writes how an import stands. */
export async function updateImport(tx: Tx, { id, source, state, counts, refusals, error, finishedAt }: KeptImport): Promise<void> {
  await tx
    .tables<Tables>()
    .updateTable('record_imports')
    .set({ source, state, counts, refusals, error: error ?? null, finished_at: finishedAt ?? null })
    .where('id', '=', id)
    .execute();
}

/** Newest first. */
export async function selectImports(db: Db, limit: number): Promise<RecordImport[]> {
  const rows = await db.tables<Tables>().selectFrom('record_imports').selectAll().orderBy('position', 'desc').limit(limit).execute();
  return rows.map(shown);
}

export async function selectImport(db: Db, id: string): Promise<RecordImport | undefined> {
  const row = await db.tables<Tables>().selectFrom('record_imports').selectAll().where('id', '=', id).executeTakeFirst();
  return row && shown(row);
}

/** What a process that is gone left running. */
export async function interruptImports(tx: Tx, at: number): Promise<void> {
  await tx
    .tables<Tables>()
    .updateTable('record_imports')
    .set({ state: 'interrupted', finished_at: at })
    .where('state', '=', 'running')
    .execute();
}

/** What a record of a source was when it was last brought in whole; undefined when it never was. */
export async function importedState(db: Db, source: string, what: string, record: string): Promise<string | undefined> {
  const row = await db
    .tables<Tables>()
    .selectFrom('imported_records')
    .select('state')
    .where('source', '=', source)
    .where('what', '=', what)
    .where('record', '=', record)
    .executeTakeFirst();
  return row?.state;
}

export async function putImported(tx: Tx, row: Tables['imported_records']): Promise<void> {
  await tx
    .tables<Tables>()
    .insertInto('imported_records')
    .values(row)
    .onConflict((conflict) => conflict.columns(['source', 'what', 'record']).doUpdateSet({ state: row.state }))
    .execute();
}

function shown({
  position: _position,
  error,
  started_at: startedAt,
  finished_at: finishedAt,
  started_by: by,
  ...row
}: ImportRow): RecordImport {
  return {
    ...row,
    ...(error === null ? {} : { error }),
    startedAt: isoInstant(startedAt),
    ...(finishedAt === null ? {} : { finishedAt: isoInstant(finishedAt) }),
    by,
  };
}
