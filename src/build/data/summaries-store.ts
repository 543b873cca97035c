import type { DatasetSummary, QualityReport } from '#contract';
import { isoInstant } from '#core';
import type { Db } from '#store';
import { versionOf } from './data-store.ts';

interface Tables {
  dataset_versions: {
    readonly position: number;
    readonly digest: string;
    readonly dataset: string;
    readonly part: string | null;
    readonly created_at: number;
  };
  dataset_quality_reports: { readonly position: number; readonly version: string; readonly report: QualityReport };
}

/** Every dataset with its newest version, by name. @param dataset only this one */
export async function summariseDatasets(db: Db, dataset?: string): Promise<DatasetSummary[]> {
  const tables = db.tables<Tables>();
  let versions = tables.selectFrom('dataset_versions').where('part', 'is', null);
  if (dataset !== undefined) versions = versions.where('dataset', '=', dataset);
  const datasets = await versions
    .groupBy('dataset')
    .select(({ fn }) => [
      'dataset',
      fn.countAll<number | string>().as('versions'),
      fn.max('position').as('newest'),
      fn.min('created_at').as('first_at'),
    ])
    .orderBy('dataset')
    .execute();
  const summaries: DatasetSummary[] = [];
  for (const found of datasets) {
    const { digest } = await tables
      .selectFrom('dataset_versions')
      .select('digest')
      .where('position', '=', found.newest)
      .executeTakeFirstOrThrow();
    const newest = await versionOf(db, digest, found.dataset);
    if (newest === undefined) continue;
    const report = await tables
      .selectFrom('dataset_quality_reports')
      .select('report')
      .where('version', '=', digest)
      .orderBy('position', 'desc')
      .limit(1)
      .executeTakeFirst();
    summaries.push({
      dataset: found.dataset,
      versions: Number(found.versions),
      firstAt: isoInstant(Number(found.first_at)),
      newest,
      ...(report === undefined ? {} : { quality: marksOf(report.report) }),
    });
  }
  return summaries;
}

function marksOf({ id, outcome, violations, warnings, characteristics }: QualityReport): NonNullable<DatasetSummary['quality']> {
  return {
    report: id,
    outcome,
    violations,
    warnings,
    scores: characteristics.map(({ name, score, outcome: how }) => ({ name, score, outcome: how })),
  };
}
