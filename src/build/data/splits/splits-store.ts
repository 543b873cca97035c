import type { Split, SplitBorders, SplitReport } from '#contract';
import type { Db, Tx } from '#store';

interface Tables {
  dataset_splits: {
    readonly position?: number;
    readonly id: string;
    readonly definition: string;
    readonly version: string;
    readonly split: Split;
  };
  dataset_split_borders: { readonly definition: string; readonly borders: SplitBorders };
  dataset_split_reports: { readonly split: string; readonly report: SplitReport };
}

/** Inserts a split whose definition the same transaction has looked for in vain. */
export async function insertSplit(tx: Tx, split: Split, definition: string): Promise<void> {
  await tx
    .tables<Tables>()
    .insertInto('dataset_splits')
    .values({ id: split.id, definition, version: split.version, split })
    .onConflict((conflict) => conflict.column('definition').doNothing())
    .execute();
}

export async function splitById(db: Db, id: string): Promise<Split | undefined> {
  return (await db.tables<Tables>().selectFrom('dataset_splits').select('split').where('id', '=', id).executeTakeFirst())?.split;
}

export async function splitByDefinition(db: Db, definition: string): Promise<Split | undefined> {
  const found = await db
    .tables<Tables>()
    .selectFrom('dataset_splits')
    .select('split')
    .where('definition', '=', definition)
    .executeTakeFirst();
  return found?.split;
}

/** The splits of a version, newest first. */
export async function splitsOf(db: Db, version: string): Promise<Split[]> {
  const found = await db
    .tables<Tables>()
    .selectFrom('dataset_splits')
    .select('split')
    .where('version', '=', version)
    .orderBy('position', 'desc')
    .execute();
  return found.map(({ split }) => split);
}

/** Borders by the definition that they were drawn for, where they were. */
export async function bordersOf(db: Db, definitions: readonly string[]): Promise<ReadonlyMap<string, SplitBorders>> {
  if (definitions.length === 0) return new Map();
  const found = await db
    .tables<Tables>()
    .selectFrom('dataset_split_borders')
    .selectAll()
    .where('definition', 'in', [...definitions])
    .execute();
  return new Map(found.map(({ definition, borders }) => [definition, borders]));
}

/** Keeps borders for all later versions; the first ones that were drawn for a definition stay. */
export async function keepBorders(tx: Tx, definition: string, borders: SplitBorders): Promise<void> {
  await tx
    .tables<Tables>()
    .insertInto('dataset_split_borders')
    .values({ definition, borders })
    .onConflict((conflict) => conflict.column('definition').doNothing())
    .execute();
}

/** Keeps a report; it follows from the rows alone, so the first one stays. */
export async function keepSplitReport(tx: Tx, report: SplitReport): Promise<void> {
  await tx
    .tables<Tables>()
    .insertInto('dataset_split_reports')
    .values({ split: report.split, report })
    .onConflict((conflict) => conflict.column('split').doNothing())
    .execute();
}

export async function splitReportOf(db: Db, split: string): Promise<SplitReport | undefined> {
  const found = await db
    .tables<Tables>()
    .selectFrom('dataset_split_reports')
    .select('report')
    .where('split', '=', split)
    .executeTakeFirst();
  return found?.report;
}
