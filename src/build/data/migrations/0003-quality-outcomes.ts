import type { Migration } from '#store';

/** A report as it was kept until then: a severity for each check, no outcome. */
interface OldCheck {
  readonly name: string;
  readonly score: number | null;
  readonly weight: number;
  readonly severity: 'error' | 'warning' | 'info';
  readonly message: string;
  readonly failing: number;
  readonly examples: readonly object[];
}
interface OldReport {
  readonly id: string;
  readonly dataset: string;
  readonly characteristics: readonly { readonly name: string; readonly score: number | null; readonly checks: readonly OldCheck[] }[];
  readonly violations: number;
  readonly createdAt: string;
}
interface Tables {
  dataset_quality_reports: { position: number; version: string; report: object };
  dataset_versions: { digest: string; rows: number };
}

type Outcome = 'pass' | 'warn' | 'fail' | 'unmeasured';
const rising: readonly Outcome[] = ['unmeasured', 'pass', 'warn', 'fail'];
const worst = (outcomes: readonly Outcome[]): Outcome =>
  outcomes.reduce((found, each) => (rising.indexOf(each) > rising.indexOf(found) ? each : found), 'unmeasured');

/** Reports say of each check whether it passed, warned or failed. */
export const qualityOutcomes: Migration = {
  id: '0003-quality-outcomes',
  async up(tx) {
    const found = await tx.tables<Tables>().selectFrom('dataset_quality_reports').select(['position', 'version', 'report']).execute();
    for (const { position, version, report } of found) {
      const rows = await tx
        .tables<Tables>()
        .selectFrom('dataset_versions')
        .select('rows')
        .where('digest', '=', version)
        .limit(1)
        .executeTakeFirst();
      // until now every report was of the old shape
      const renewed = renew(report as OldReport, rows?.rows ?? 0);
      await tx.tables<Tables>().updateTable('dataset_quality_reports').set({ report: renewed }).where('position', '=', position).execute();
    }
  },
};

function renew(report: OldReport, rows: number): object {
  const characteristics = report.characteristics.map(({ name, score, checks }) => {
    const renewed = checks.map(({ severity, ...check }) => {
      const isBad = check.failing > 0;
      const outcome: Outcome =
        check.score === null ? 'unmeasured' : isBad && severity === 'error' ? 'fail' : isBad && severity === 'warning' ? 'warn' : 'pass';
      return { ...check, outcome, limits: severity === 'error' ? { fail: 1 } : severity === 'warning' ? { warn: 1 } : {} };
    });
    return { name, score, outcome: worst(renewed.map(({ outcome }) => outcome)), limits: {}, checks: renewed };
  });
  const outcomes = characteristics.flatMap(({ checks }) => checks.map(({ outcome }) => outcome));
  return {
    id: report.id,
    dataset: report.dataset,
    rows,
    outcome: worst(outcomes),
    characteristics,
    violations: report.violations,
    warnings: outcomes.filter((outcome) => outcome === 'warn').length,
    createdAt: report.createdAt,
  };
}
