import type { Actor, DatasetManifest, DatasetProfile, DatasetVersion, QualityReport, TableSchema } from '#contract';
import { isoInstant } from '#core';
import type { Db, Tx } from '#store';

interface VersionRow {
  readonly position: number;
  readonly digest: string;
  readonly dataset: string;
  readonly part: string | null;
  readonly rows: number;
  readonly rows_digest: string;
  /** Digest of (source bytes, how they were read), to know a source again without reading it. */
  readonly reading: string | null;
  readonly manifest: DatasetManifest;
  readonly table_schema: TableSchema;
  readonly source: string;
  readonly created_at: number;
  readonly created_by: Actor;
}

interface Tables {
  dataset_versions: Omit<VersionRow, 'position'> & { readonly position?: number };
  dataset_quality_reports: { readonly position?: number; readonly id: string; readonly version: string; readonly report: QualityReport };
  dataset_profiles: { readonly version: string; readonly target: string; readonly profile: DatasetProfile };
}

/** A dataset version on its way into the store. */
export interface NewVersion {
  readonly version: Omit<DatasetVersion, 'createdAt'>;
  readonly createdAt: number;
  readonly reading?: string;
}

const toVersion = (row: Omit<VersionRow, 'position'>): DatasetVersion => ({
  digest: row.digest,
  dataset: row.dataset,
  ...(row.part === null ? {} : { part: row.part }),
  manifest: row.manifest,
  rowsDigest: row.rows_digest,
  schema: row.table_schema,
  source: row.source,
  createdAt: isoInstant(row.created_at),
  createdBy: row.created_by,
});

/** Inserts a version unless the dataset has it. @returns the version as it stands, and whether this call made it */
export async function insertVersion(
  tx: Tx,
  { version, createdAt, reading }: NewVersion,
): Promise<{ version: DatasetVersion; created: boolean }> {
  const existing = await versionOf(tx, version.digest, version.dataset);
  if (existing) return { version: existing, created: false };
  const row = {
    digest: version.digest,
    dataset: version.dataset,
    part: version.part ?? null,
    rows: version.manifest.rows,
    rows_digest: version.rowsDigest,
    reading: reading ?? null,
    manifest: version.manifest,
    table_schema: version.schema,
    source: version.source,
    created_at: createdAt,
    created_by: version.createdBy,
  };
  // a row that another transaction committed after this one's snapshot is a conflict that the store tries again; the check above then finds it
  await tx
    .tables<Tables>()
    .insertInto('dataset_versions')
    .values(row)
    .onConflict((conflict) => conflict.columns(['digest', 'dataset']).doNothing())
    .execute();
  return { version: toVersion(row), created: true };
}

/** The version of this digest; of this dataset, or of the one that had it first. */
export async function versionOf(db: Db, digest: string, dataset?: string): Promise<DatasetVersion | undefined> {
  let rows = db.tables<Tables>().selectFrom('dataset_versions').selectAll().where('digest', '=', digest);
  if (dataset !== undefined) rows = rows.where('dataset', '=', dataset);
  const found = await rows.orderBy('position').limit(1).executeTakeFirst();
  return found && toVersion(found);
}

export async function versionOfReading(db: Db, dataset: string, reading: string): Promise<DatasetVersion | undefined> {
  const found = await db
    .tables<Tables>()
    .selectFrom('dataset_versions')
    .selectAll()
    .where('dataset', '=', dataset)
    .where('reading', '=', reading)
    .orderBy('position', 'desc')
    .limit(1)
    .executeTakeFirst();
  return found && toVersion(found);
}

export interface VersionFilter {
  readonly dataset?: string;
  /** A part's name; null: only versions that are no part of a split. */
  readonly part?: string | null;
}

/** Versions, newest first. @param before only those with a lower position */
export async function listVersions(
  db: Db,
  filter: VersionFilter,
  limit: number,
  before: number | undefined,
): Promise<{ version: DatasetVersion; position: number }[]> {
  let rows = db.tables<Tables>().selectFrom('dataset_versions').selectAll();
  if (filter.dataset !== undefined) rows = rows.where('dataset', '=', filter.dataset);
  if (filter.part !== undefined) rows = filter.part === null ? rows.where('part', 'is', null) : rows.where('part', '=', filter.part);
  if (before !== undefined) rows = rows.where('position', '<', before);
  const found = await rows.orderBy('position', 'desc').limit(limit).execute();
  return found.map((row) => ({ version: toVersion(row), position: row.position ?? 0 }));
}

/** Digests that begin with these hex digits, for abbreviations and for messages. */
export async function digestsLike(db: Db, prefix: string, limit: number): Promise<string[]> {
  const found = await db
    .tables<Tables>()
    .selectFrom('dataset_versions')
    .select('digest')
    .distinct()
    .where('digest', '>=', prefix)
    .where('digest', '<', `${prefix}g`)
    .orderBy('digest')
    .limit(limit)
    .execute();
  return found.map(({ digest }) => digest);
}

export async function insertQuality(tx: Tx, report: QualityReport): Promise<void> {
  await tx.tables<Tables>().insertInto('dataset_quality_reports').values({ id: report.id, version: report.dataset, report }).execute();
}

/** A report by its own id, or the newest one of a version. */
export async function qualityOf(db: Db, by: { readonly id: string } | { readonly version: string }): Promise<QualityReport | undefined> {
  const reports = db.tables<Tables>().selectFrom('dataset_quality_reports').select('report');
  const found = await ('id' in by ? reports.where('id', '=', by.id) : reports.where('version', '=', by.version))
    .orderBy('position', 'desc')
    .limit(1)
    .executeTakeFirst();
  return found?.report;
}

/** The newest report of each version of a dataset that is no part of a split; the newest versions, oldest first. */
export async function qualityOfDataset(db: Db, dataset: string, limit: number): Promise<QualityReport[]> {
  const found = await db
    .tables<Tables>()
    .selectFrom('dataset_versions')
    .innerJoin('dataset_quality_reports', 'dataset_quality_reports.version', 'dataset_versions.digest')
    .select('dataset_quality_reports.report')
    .where('dataset_versions.dataset', '=', dataset)
    .where('dataset_versions.part', 'is', null)
    .where((where) =>
      where.eb(
        'dataset_quality_reports.position',
        '=',
        where
          .selectFrom('dataset_quality_reports as newer')
          .select(({ fn }) => fn.max('newer.position').as('newest'))
          .whereRef('newer.version', '=', 'dataset_versions.digest'),
      ),
    )
    .orderBy('dataset_versions.position', 'desc')
    .limit(limit)
    .execute();
  return found.map(({ report }) => report).reverse();
}

/** Keeps a profile; it follows from the rows alone, so the first one stays. */
export async function keepProfile(
  tx: Tx,
  { profile, target }: { readonly profile: DatasetProfile; readonly target: string },
): Promise<void> {
  await tx
    .tables<Tables>()
    .insertInto('dataset_profiles')
    .values({ version: profile.dataset, target, profile })
    .onConflict((conflict) => conflict.columns(['version', 'target']).doNothing())
    .execute();
}

export async function profileOf(db: Db, version: string, target: string): Promise<DatasetProfile | undefined> {
  const found = await db
    .tables<Tables>()
    .selectFrom('dataset_profiles')
    .select('profile')
    .where('version', '=', version)
    .where('target', '=', target)
    .executeTakeFirst();
  return found?.profile;
}
