import type { QualityCheck, QualityReport } from '#contract';
import { isoInstant } from '#core';
import { accuracyChecks } from './quality-accuracy.ts';
import type { QualitySubject } from './quality-subject.ts';
import { completenessChecks } from './quality-completeness.ts';
import { relevanceChecks } from './quality-relevance.ts';
import { reliabilityChecks } from './quality-reliability.ts';
import { timelinessChecks } from './quality-timeliness.ts';
import { violationsOf } from './validate.ts';

/** The weighted mean of the scores that are known; null when none is. */
export function scoreOf(checks: readonly QualityCheck[]): number | null {
  const known = checks.flatMap(({ score, weight }) => (score === null ? [] : [{ score, weight }]));
  const weights = known.reduce((sum, { weight }) => sum + weight, 0);
  return weights === 0 ? null : known.reduce((sum, { score, weight }) => sum + score * weight, 0) / weights;
}

/** The quality report of a version: five characteristics, each made of named checks. */
export function qualityReport(subject: QualitySubject, id: string): QualityReport {
  const byName = {
    accuracy: accuracyChecks(subject),
    completeness: completenessChecks(subject),
    reliability: reliabilityChecks(subject),
    relevance: relevanceChecks(subject),
    timeliness: timelinessChecks(subject),
  } as const;
  const names = ['accuracy', 'completeness', 'reliability', 'relevance', 'timeliness'] as const;
  return {
    id,
    dataset: subject.version.digest,
    characteristics: names.map((name) => ({ name, score: scoreOf(byName[name]), checks: byName[name] })),
    violations: violationsOf(names.flatMap((name) => byName[name])).length,
    createdAt: isoInstant(subject.now),
  };
}
