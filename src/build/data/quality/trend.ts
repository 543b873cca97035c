import type { QualityCheck, QualityReport, QualityTrend } from '#contract';

/** The course of a dataset's quality. @param reports the newest report of each version, oldest version first */
export function trendOf(dataset: string, reports: readonly QualityReport[]): QualityTrend {
  return {
    dataset,
    points: reports.map((report, i) => {
      const checks = report.characteristics.flatMap((characteristic) => characteristic.checks);
      const before = i === 0 ? [] : reports[i - 1].characteristics.flatMap((characteristic) => characteristic.checks);
      const noted = new Set([...before, ...checks].filter(isNoted).map(({ name }) => name));
      return {
        report: report.id,
        version: report.dataset,
        rows: report.rows,
        outcome: report.outcome,
        violations: report.violations,
        warnings: report.warnings,
        scores: report.characteristics.map(({ name, score, outcome }) => ({ name, score, outcome })),
        checks: checks
          .filter(({ name }) => noted.has(name))
          .map(({ name, score, outcome, failing }) => ({ name, score, outcome, failing })),
        createdAt: report.createdAt,
      };
    }),
  };
}

const isNoted = ({ outcome }: QualityCheck): boolean => outcome === 'warn' || outcome === 'fail';
