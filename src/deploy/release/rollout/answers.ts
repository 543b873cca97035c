import type { AnswerTotals, JudgedVersion, PlaneFigures, RolloutStep } from '#contract';
import type { Reading } from './rollout-store.ts';

type Counts = Readonly<Record<string, number>>;

export const nothingAnswered: AnswerTotals = { since: 0, requests: 0, errors: 0, latencies: {} };

/** What a data plane has counted of both versions. */
export function readingOf(
  { models, shadows }: Pick<PlaneFigures, 'models' | 'shadows'>,
  stable: JudgedVersion,
  candidate: JudgedVersion,
  step: RolloutStep,
): Reading {
  const isOf = (version: JudgedVersion) => (one: { readonly name: string; readonly version: string }) =>
    one.name === version.model && one.version === String(version.version);
  const ofStable = models.find(isOf(stable))?.answers;
  const ofCandidate = (step.shadow === undefined ? models : shadows).find(isOf(candidate))?.answers;
  return { ...(ofStable === undefined ? {} : { stable: ofStable }), ...(ofCandidate === undefined ? {} : { candidate: ofCandidate }) };
}

/**
 * What was answered between two readings. A data plane that began again counts from nothing: then all that it has counted came since.
 * @param before left out: `now` is the beginning
 */
export function answeredSince(before: AnswerTotals | undefined, now: AnswerTotals | undefined): AnswerTotals {
  if (before === undefined || now === undefined) return nothingAnswered;
  if (before.since !== now.since || before.requests > now.requests) return now;
  const { predictions } = now;
  return {
    since: now.since,
    requests: now.requests - before.requests,
    errors: now.errors - before.errors,
    latencies: combined(now.latencies, before.latencies, -1),
    ...(predictions === undefined
      ? {}
      : { predictions: { kind: predictions.kind, bins: combined(predictions.bins, before.predictions?.bins ?? {}, -1) } }),
    ...(now.different === undefined ? {} : { different: now.different - (before.different ?? 0) }),
  };
}

export function addedUp(one: AnswerTotals, other: AnswerTotals): AnswerTotals {
  const predictions = other.predictions ?? one.predictions;
  const different = one.different ?? other.different;
  return {
    since: other.since,
    requests: one.requests + other.requests,
    errors: one.errors + other.errors,
    latencies: combined(one.latencies, other.latencies, 1),
    ...(predictions === undefined
      ? {}
      : { predictions: { kind: predictions.kind, bins: combined(one.predictions?.bins ?? {}, other.predictions?.bins ?? {}, 1) } }),
    ...(different === undefined ? {} : { different: (one.different ?? 0) + (other.different ?? 0) }),
  };
}

function combined(one: Counts, other: Counts, sign: 1 | -1): Record<string, number> {
  const sum: Record<string, number> = { ...one };
  for (const [bin, count] of Object.entries(other)) sum[bin] = (sum[bin] ?? 0) + sign * count;
  return Object.fromEntries(Object.entries(sum).filter(([, count]) => count !== 0));
}
