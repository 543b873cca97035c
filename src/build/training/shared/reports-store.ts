import type { Actor } from '#contract';
import type { Db, Tx } from '#store';

export interface ReportRow {
  readonly id: string;
  readonly title: string;
  readonly version: number;
  readonly created_by: Actor;
  readonly created_at: number;
  readonly changed_by: Actor;
  readonly changed_at: number;
}

export interface ReportVersionRow {
  /** The report's id. */
  readonly report: string;
  readonly version: number;
  readonly title: string;
  readonly text: string;
  readonly made_by: Actor;
  readonly made_at: number;
}

interface Tables {
  reports: ReportRow;
  report_versions: ReportVersionRow;
}

export function selectReport(db: Db, id: string): Promise<ReportRow | undefined> {
  return db.tables<Tables>().selectFrom('reports').selectAll().where('id', '=', id).executeTakeFirst();
}

/** Changed last first. */
export function selectReports(db: Db): Promise<readonly ReportRow[]> {
  return db.tables<Tables>().selectFrom('reports').selectAll().orderBy('changed_at', 'desc').orderBy('id', 'desc').execute();
}

export function selectReportVersion(db: Db, report: string, version: number): Promise<ReportVersionRow | undefined> {
  return db
    .tables<Tables>()
    .selectFrom('report_versions')
    .selectAll()
    .where('report', '=', report)
    .where('version', '=', version)
    .executeTakeFirst();
}

/** Newest first, without their texts. */
export function selectReportVersions(db: Db, report: string): Promise<readonly Omit<ReportVersionRow, 'text'>[]> {
  return db
    .tables<Tables>()
    .selectFrom('report_versions')
    .select(['report', 'version', 'title', 'made_by', 'made_at'])
    .where('report', '=', report)
    .orderBy('version', 'desc')
    .execute();
}

export async function insertReport(tx: Tx, row: ReportRow): Promise<void> {
  await tx.tables<Tables>().insertInto('reports').values(row).execute();
}

export async function changeReport(tx: Tx, row: ReportRow): Promise<void> {
  const { title, version, changed_by, changed_at } = row;
  await tx.tables<Tables>().updateTable('reports').set({ title, version, changed_by, changed_at }).where('id', '=', row.id).execute();
}

export async function insertReportVersion(tx: Tx, row: ReportVersionRow): Promise<void> {
  await tx.tables<Tables>().insertInto('report_versions').values(row).execute();
}

export async function deleteReport(tx: Tx, id: string): Promise<void> {
  await tx.tables<Tables>().deleteFrom('report_versions').where('report', '=', id).execute();
  await tx.tables<Tables>().deleteFrom('reports').where('id', '=', id).execute();
}
