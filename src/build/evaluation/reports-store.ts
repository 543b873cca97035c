import type { TestReport } from '#contract';
import type { Db, Tx } from '#store';

interface Tables {
  test_reports: {
    readonly position?: number;
    readonly id: string;
    readonly digest: string;
    /** The run that it judges, or the version of a model that was trained elsewhere. */
    readonly run: string;
    readonly dataset: string;
    readonly passed: boolean;
    readonly created_at: number;
    readonly record: TestReport;
  };
}

/** Keeps a report unless there is one of its digest. @returns the report as it stands, and whether this call made it */
export async function insertReport(
  tx: Tx,
  { report, createdAt }: { readonly report: TestReport; readonly createdAt: number },
): Promise<{ readonly report: TestReport; readonly created: boolean }> {
  await tx.lock(`test-report:${report.digest}`);
  const existing = await reportOf(tx, report.digest);
  if (existing !== undefined) return { report: existing, created: false };
  const { id, digest, run, modelVersion, dataset, passed } = report;
  await tx
    .tables<Tables>()
    .insertInto('test_reports')
    .values({ id, digest, run: run ?? modelVersion ?? '', dataset, passed, created_at: createdAt, record: report })
    .execute();
  return { report, created: true };
}

/** By id or digest. */
export async function reportOf(db: Db, name: string): Promise<TestReport | undefined> {
  const found = await db
    .tables<Tables>()
    .selectFrom('test_reports')
    .select('record')
    .where((where) => where.or([where('id', '=', name), where('digest', '=', name)]))
    .executeTakeFirst();
  return found?.record;
}

export interface ReportFilter {
  /** A run, or a version of a model that was trained elsewhere. */
  readonly model?: string;
  readonly dataset?: string;
  readonly passed?: boolean;
}

/** Newest first. @param before only those with a lower position */
export async function selectReports(
  db: Db,
  filter: ReportFilter,
  limit: number,
  before: number | undefined,
): Promise<{ readonly report: TestReport; readonly position: number }[]> {
  let rows = db.tables<Tables>().selectFrom('test_reports').select(['record', 'position']);
  if (filter.model !== undefined) rows = rows.where('run', '=', filter.model);
  if (filter.dataset !== undefined) rows = rows.where('dataset', '=', filter.dataset);
  if (filter.passed !== undefined) rows = rows.where('passed', '=', filter.passed);
  if (before !== undefined) rows = rows.where('position', '<', before);
  const found = await rows.orderBy('position', 'desc').limit(limit).execute();
  return found.map(({ record, position }) => ({ report: record, position: position ?? 0 }));
}
