import type { CiRequest, CiRun } from '#contract';
import type { Db, Tx } from '#store';

interface Tables {
  ci_runs: {
    readonly position?: number;
    readonly id: string;
    readonly clean_commit: string | null;
    readonly branch: string | null;
    readonly state: CiRun['state'];
    readonly request: CiRequest;
    readonly record: CiRun;
  };
}

export interface CiFilter {
  readonly commit?: string;
  readonly branch?: string;
  readonly state?: CiRun['state'];
}

export async function insertCiRun(tx: Tx, { record, request }: { readonly record: CiRun; readonly request: CiRequest }): Promise<void> {
  const { id, commit, dirty, branch, state } = record;
  await tx
    .tables<Tables>()
    .insertInto('ci_runs')
    .values({ id, clean_commit: dirty ? null : (commit ?? null), branch: branch ?? null, state, request, record })
    .execute();
}

/** Writes how a run stands, unless it has ended. @returns whether it was written */
export async function updateCiRun(tx: Tx, record: CiRun): Promise<boolean> {
  await tx.lock(`ci-run:${record.id}`);
  const row = await tx.tables<Tables>().selectFrom('ci_runs').select('state').where('id', '=', record.id).executeTakeFirst();
  if (row?.state !== 'running') return false;
  await tx.tables<Tables>().updateTable('ci_runs').set({ state: record.state, record }).where('id', '=', record.id).execute();
  return true;
}

/** Whether a run was recorded after another. */
export async function isLater(db: Db, id: string, than: string): Promise<boolean> {
  const rows = await db.tables<Tables>().selectFrom('ci_runs').select(['id', 'position']).where('id', 'in', [id, than]).execute();
  const at = (one: string): number => rows.find((row) => row.id === one)?.position ?? 0;
  return at(id) > at(than);
}

export async function selectCiRun(db: Db, id: string): Promise<{ readonly record: CiRun; readonly request: CiRequest } | undefined> {
  return db.tables<Tables>().selectFrom('ci_runs').select(['record', 'request']).where('id', '=', id).executeTakeFirst();
}

/** Newest first. @param before only those with a lower position */
export async function selectCiRuns(
  db: Db,
  filter: CiFilter,
  limit: number,
  before?: number,
): Promise<readonly { readonly record: CiRun; readonly position: number }[]> {
  let rows = db.tables<Tables>().selectFrom('ci_runs').select(['record', 'position']);
  if (filter.commit !== undefined) rows = rows.where('clean_commit', '=', filter.commit);
  if (filter.branch !== undefined) rows = rows.where('branch', '=', filter.branch);
  if (filter.state !== undefined) rows = rows.where('state', '=', filter.state);
  if (before !== undefined) rows = rows.where('position', '<', before);
  const found = await rows.orderBy('position', 'desc').limit(limit).execute();
  return found.map(({ record, position }) => ({ record, position: position ?? 0 }));
}
