import type { Actor } from '#contract';
import type { Db, Tx } from '#store';

/** Of all experiments' runs. */
export const everyExperiment = '';

export interface ViewRow {
  readonly id: string;
  readonly name: string;
  /** The experiment's id, or `everyExperiment`. */
  readonly experiment: string;
  readonly query: string;
  readonly created_by: Actor;
  readonly created_at: number;
  readonly updated_at: number;
}

interface Tables {
  saved_views: ViewRow;
}

export function selectView(db: Db, id: string): Promise<ViewRow | undefined> {
  return db.tables<Tables>().selectFrom('saved_views').selectAll().where('id', '=', id).executeTakeFirst();
}

export function selectViewNamed(db: Db, experiment: string, name: string): Promise<ViewRow | undefined> {
  return db
    .tables<Tables>()
    .selectFrom('saved_views')
    .selectAll()
    .where('experiment', '=', experiment)
    .where('name', '=', name)
    .executeTakeFirst();
}

/** In the order of names. */
export function selectViews(db: Db, experiment: string | undefined): Promise<readonly ViewRow[]> {
  const all = db.tables<Tables>().selectFrom('saved_views').selectAll().orderBy('name').orderBy('id');
  return (experiment === undefined ? all : all.where('experiment', '=', experiment)).execute();
}

export async function insertView(tx: Tx, row: ViewRow): Promise<void> {
  await tx.tables<Tables>().insertInto('saved_views').values(row).execute();
}

export async function changeView(tx: Tx, id: string, change: Pick<ViewRow, 'query' | 'updated_at'>): Promise<void> {
  await tx.tables<Tables>().updateTable('saved_views').set(change).where('id', '=', id).execute();
}

export async function deleteView(tx: Tx, id: string): Promise<void> {
  await tx.tables<Tables>().deleteFrom('saved_views').where('id', '=', id).execute();
}
