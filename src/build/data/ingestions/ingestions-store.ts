import type { DatasetIngestion } from '#contract';
import type { Db, Tx } from '#store';

type Outcome = NonNullable<DatasetIngestion['outcome']> | 'running';

interface Tables {
  dataset_ingestions: {
    readonly position?: number;
    readonly id: string;
    readonly dataset: string;
    readonly reading: string;
    readonly outcome: Outcome;
    readonly stamp: string;
    readonly ingestion: DatasetIngestion;
  };
}

/** An ingestion as it is kept, with what tells the next one whether there is anything new. */
export interface KeptIngestion {
  readonly ingestion: DatasetIngestion;
  /** The digest of the source's address and of how it is read. */
  readonly reading: string;
  /** What tells that the source stands as it stood; empty where nothing does. */
  readonly stamp: string;
}

/** Keeps an ingestion as it stands now: first when it begins, then when it is known what came of it. */
export async function keepIngestion(tx: Tx, { ingestion, reading, stamp }: KeptIngestion): Promise<void> {
  const { id, dataset, outcome = 'running' } = ingestion;
  await tx
    .tables<Tables>()
    .insertInto('dataset_ingestions')
    .values({ id, dataset, reading, outcome, stamp, ingestion })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ reading, outcome, stamp, ingestion }))
    .execute();
}

/** Keeps other words about an ingestion whose version is recorded. */
export async function reworded(tx: Tx, ingestion: DatasetIngestion): Promise<void> {
  await tx.tables<Tables>().updateTable('dataset_ingestions').set({ ingestion }).where('id', '=', ingestion.id).execute();
}

export async function ingestionOf(db: Db, id: string): Promise<DatasetIngestion | undefined> {
  const found = await db.tables<Tables>().selectFrom('dataset_ingestions').select('ingestion').where('id', '=', id).executeTakeFirst();
  return found?.ingestion;
}

/** Those of which it is not known yet what came of them. */
export async function openIngestions(db: Db): Promise<KeptIngestion[]> {
  return db
    .tables<Tables>()
    .selectFrom('dataset_ingestions')
    .select(['ingestion', 'reading', 'stamp'])
    .where('outcome', '=', 'running')
    .execute();
}

/** The newest ingestion of a source, read in this way, that made or found a version. */
export async function lastIngestion(db: Db, dataset: string, reading: string): Promise<KeptIngestion | undefined> {
  return db
    .tables<Tables>()
    .selectFrom('dataset_ingestions')
    .select(['ingestion', 'reading', 'stamp'])
    .where('dataset', '=', dataset)
    .where('reading', '=', reading)
    .where('outcome', 'in', ['new', 'unchanged'])
    .orderBy('position', 'desc')
    .limit(1)
    .executeTakeFirst();
}

/** Ingestions, newest first. @param before only those with a lower position */
export async function listIngestions(
  db: Db,
  dataset: string | undefined,
  limit: number,
  before: number | undefined,
): Promise<{ ingestion: DatasetIngestion; position: number }[]> {
  let rows = db.tables<Tables>().selectFrom('dataset_ingestions').select(['ingestion', 'position']);
  if (dataset !== undefined) rows = rows.where('dataset', '=', dataset);
  if (before !== undefined) rows = rows.where('position', '<', before);
  const found = await rows.orderBy('position', 'desc').limit(limit).execute();
  return found.map(({ ingestion, position }) => ({ ingestion, position: position ?? 0 }));
}
