import { setImmediate as nextTurn } from 'node:timers/promises';
import type { QualityCheck, QualityReport } from '#contract';
import { isoInstant } from '#core';
import { accuracyCollectors } from './accuracy.ts';
import { collect, known } from './collector.ts';
import type { Collector } from './collector.ts';
import { completenessCollectors } from './completeness.ts';
import { judged, limitsFor, never, outcomeOf, worstOf } from './limits.ts';
import { relevanceCollectors } from './relevance.ts';
import { reliabilityCollectors } from './reliability.ts';
import type { QualitySubject } from './subject.ts';
import { timelinessCollectors } from './timeliness.ts';

/** The weighted mean of the scores that are known; null when none is. */
export function scoreOf(checks: readonly QualityCheck[]): number | null {
  const known = checks.flatMap(({ score, weight }) => (score === null ? [] : [{ score, weight }]));
  const weights = known.reduce((sum, { weight }) => sum + weight, 0);
  return weights === 0 ? null : known.reduce((sum, { score, weight }) => sum + score * weight, 0) / weights;
}

/**
 * The quality report of a version: five characteristics, each made of named checks. The rows are read once for all of them
 * (more often only where what is remembered of them would not fit into memory).
 */
export async function qualityReport(subject: QualitySubject, id: string): Promise<QualityReport> {
  const ofImages = (name: keyof QualitySubject['images']): Collector =>
    known(...(subject.images[name] ?? []).map(({ finding }) => finding));
  // of large tables each of these looks at many rows before the first batch comes: others have their turn in between
  await nextTurn();
  const relevance = await relevanceCollectors(subject);
  await nextTurn();
  const characteristics = [
    { name: 'accuracy', collectors: [...accuracyCollectors(subject), ofImages('accuracy')] },
    { name: 'completeness', collectors: [...completenessCollectors(subject), ofImages('completeness')] },
    { name: 'reliability', collectors: [...reliabilityCollectors(subject), ofImages('reliability')] },
    { name: 'relevance', collectors: relevance },
    { name: 'timeliness', collectors: timelinessCollectors(subject) },
  ] as const;
  await collect(
    subject.batches,
    characteristics.flatMap(({ collectors }) => collectors),
  );
  const { limits: entries } = subject;
  const judgedOnes = characteristics.map(({ name, collectors }) => {
    const checks = collectors.flatMap((collector) => collector.findings()).map((finding) => judged(finding, entries));
    const score = scoreOf(checks);
    const limits = limitsFor(name, never, entries);
    const outcome = worstOf([outcomeOf(score, limits), ...checks.map((check) => check.outcome)]);
    return { name, score, outcome, limits, checks };
  });
  const outcomes = judgedOnes.flatMap(({ score, limits, checks }) => [outcomeOf(score, limits), ...checks.map(({ outcome }) => outcome)]);
  return {
    id,
    dataset: subject.version.digest,
    rows: subject.batches.rows,
    outcome: worstOf(outcomes),
    characteristics: judgedOnes,
    violations: outcomes.filter((outcome) => outcome === 'fail').length,
    warnings: outcomes.filter((outcome) => outcome === 'warn').length,
    createdAt: isoInstant(subject.now),
  };
}
