import { latencyBuckets } from '#contract';
import type { AnswerTotals, RolloutAnalysis, RolloutCheck } from '#contract';
import { proportionSequence } from '#stats';
import { predictionDistance } from './distribution.ts';

/** How surely a check that fails by a sequential test is right, at all looks together. */
const confidence = 0.99;
/** Where two versions are compared, each has half of the doubt. */
const confidenceOfEach = 1 - (1 - confidence) / 2;

/** What both versions answered in the same time. */
export interface Observed {
  readonly stable: AnswerTotals;
  readonly candidate: AnswerTotals;
  /** How often the data plane began again since the step did. */
  readonly restarts?: number;
}

/** A platform that is restarted takes its data planes along: once may be that, and twice. */
const mostRestarts = 2;

/**
 * Judges what was observed until now. A check is `failed` once that is sure at whatever moment one looks (`proportionSequence`), `passed` when there are
 * requests enough and what was observed is within its limit, else `waiting`: few requests prove nothing good.
 */
export function analyse(analysis: RolloutAnalysis, observed: Observed): readonly RolloutCheck[] {
  const checks = [
    enough(analysis, observed),
    restarted(observed),
    errorRate(analysis, observed),
    errorRateIncrease(analysis, observed),
    latency(analysis, observed),
    latencyFactor(analysis, observed),
    distribution(analysis, observed),
    disagreement(analysis, observed),
  ];
  return checks.filter((check) => check !== undefined);
}

type Found = RolloutCheck | undefined;

function enough({ minRequests }: RolloutAnalysis, { candidate: { requests } }: Observed): RolloutCheck {
  const isEnough = requests >= minRequests;
  return {
    name: 'requests',
    unit: 'requests',
    state: isEnough ? 'passed' : 'waiting',
    observed: requests,
    wanted: `>= ${minRequests}`,
    message: isEnough ? `${requests} requests were observed` : `${requests} of ${minRequests} requests were observed`,
  };
}

/** A version that ends the process fails no request that could be counted: those that were under way are gone with it. */
function restarted({ restarts = 0 }: Observed): Found {
  if (restarts === 0) return undefined;
  return {
    name: 'data plane',
    unit: 'restarts',
    state: restarts > mostRestarts ? 'failed' : 'passed',
    observed: restarts,
    wanted: `<= ${mostRestarts} restarts`,
    message: `the data plane began again ${restarts} times since the step did; wanted at most ${mostRestarts}`,
  };
}

function errorRate({ maxErrorRate, minRequests }: RolloutAnalysis, { candidate }: Observed): Found {
  if (maxErrorRate === undefined) return undefined;
  const { requests, errors } = candidate;
  const { low } = proportionSequence(errors, requests, confidence);
  return judged({
    name: 'error rate',
    unit: 'share',
    isFailed: low > maxErrorRate,
    isPassed: requests >= minRequests && errors / requests <= maxErrorRate,
    observed: shareOf(errors, requests),
    wanted: `<= ${percent(maxErrorRate)}`,
    says: `${errors} of ${requests} requests failed`,
  });
}

function errorRateIncrease({ maxErrorRateIncrease: most, minRequests }: RolloutAnalysis, { stable, candidate }: Observed): Found {
  if (most === undefined) return undefined;
  const { low } = proportionSequence(candidate.errors, candidate.requests, confidenceOfEach);
  const { high } = proportionSequence(stable.errors, stable.requests, confidenceOfEach);
  const isEnough = candidate.requests >= minRequests && stable.requests > 0;
  const increase = (shareOf(candidate.errors, candidate.requests) ?? 0) - (shareOf(stable.errors, stable.requests) ?? 0);
  return judged({
    name: 'error rate increase',
    unit: 'share',
    isFailed: low - high > most,
    isPassed: isEnough && increase <= most,
    observed: shareOf(candidate.errors, candidate.requests),
    compared: shareOf(stable.errors, stable.requests),
    wanted: `<= ${percent(most)} more than the version that is live`,
    says: `${candidate.errors} of ${candidate.requests} requests failed, ${stable.errors} of ${stable.requests} of the version that is live`,
  });
}

function latency({ maxLatencyP99Ms: most, minRequests }: RolloutAnalysis, { candidate }: Observed): Found {
  if (most === undefined) return undefined;
  return judgedLatency({ name: 'latency', limitMs: most, minRequests, candidate, wanted: `p99 <= ${most} ms` });
}

/** The 99th percentile of the version that is live is taken as it was seen, without its own uncertainty. */
function latencyFactor({ maxLatencyFactor: factor, minRequests }: RolloutAnalysis, { stable, candidate }: Observed): Found {
  if (factor === undefined) return undefined;
  const compared = p99Of(stable);
  const wanted = `p99 <= ${factor} x that of the version that is live`;
  if (compared === null || stable.requests < minRequests)
    return {
      name: 'latency factor',
      unit: 'ms',
      state: 'waiting',
      observed: p99Of(candidate),
      compared,
      wanted,
      message: `the version that is live answered ${stable.requests} requests: ${minRequests} are needed to compare with`,
    };
  return judgedLatency({ name: 'latency factor', limitMs: compared * factor, minRequests, candidate, wanted, compared });
}

/** Whether more than one request of a hundred takes longer than the limit, of those whose bucket lies wholly beyond it. */
function judgedLatency({
  name,
  limitMs,
  minRequests,
  candidate,
  wanted,
  compared,
}: {
  readonly name: string;
  readonly limitMs: number;
  readonly minRequests: number;
  readonly candidate: AnswerTotals;
  readonly wanted: string;
  readonly compared?: number;
}): RolloutCheck {
  const { requests } = candidate;
  const late = Object.entries(candidate.latencies).reduce(
    (sum, [bucket, count]) => (boundMs(Number(bucket) - 1) >= limitMs ? sum + count : sum),
    0,
  );
  return judged({
    name,
    unit: 'ms',
    isFailed: proportionSequence(late, requests, confidence).low > 0.01,
    isPassed: requests >= minRequests && late / requests <= 0.01,
    observed: p99Of(candidate),
    ...(compared === undefined ? {} : { compared }),
    wanted,
    says: `${late} of ${requests} requests took more than ${milliseconds(limitMs)}`,
  });
}

function distribution({ maxDistributionDistance: most, minRequests }: RolloutAnalysis, { stable, candidate }: Observed): Found {
  if (most === undefined) return undefined;
  const named = { name: 'prediction distribution', unit: 'distance' } as const;
  const wanted = `distance (PSI) <= ${most}`;
  const found = predictionDistance(stable, candidate);
  if (found === undefined) {
    // A model that says neither labels nor values has no distribution: that holds nobody up.
    if (candidate.requests - candidate.errors < minRequests || stable.requests - stable.errors < minRequests)
      return { ...named, state: 'waiting', observed: null, wanted, message: 'too few predictions to compare' };
    return { ...named, state: 'passed', observed: null, wanted, message: 'these models say nothing whose distribution could be compared' };
  }
  const { distance, noise } = found;
  // A request may bring many rows, which are alike: requests count.
  const isEnough = candidate.requests - candidate.errors >= minRequests && stable.requests - stable.errors >= minRequests;
  return judged({
    ...named,
    isFailed: isEnough && distance - noise > most,
    isPassed: isEnough && distance <= most,
    observed: distance,
    wanted,
    says: `${found.candidate} predictions lie ${distance.toFixed(3)} from ${found.stable} of the version that is live (by chance ${noise.toFixed(3)})`,
  });
}

function disagreement({ maxDisagreement: most, minRequests }: RolloutAnalysis, { candidate }: Observed): Found {
  const { different, requests, errors } = candidate;
  if (most === undefined || different === undefined) return undefined;
  const answered = requests - errors;
  return judged({
    name: 'disagreement',
    unit: 'share',
    isFailed: proportionSequence(different, answered, confidence).low > most,
    isPassed: answered >= minRequests && different / answered <= most,
    observed: shareOf(different, answered),
    wanted: `<= ${percent(most)}`,
    says: `${different} of ${answered} requests were answered otherwise`,
  });
}

function judged({
  isFailed,
  isPassed,
  says,
  ...check
}: Omit<RolloutCheck, 'state' | 'message'> & {
  readonly isFailed: boolean;
  readonly isPassed: boolean;
  readonly says: string;
}): RolloutCheck {
  const state = isFailed ? 'failed' : isPassed ? 'passed' : 'waiting';
  return { ...check, state, message: `${check.name}: ${says}; wanted ${check.wanted}` };
}

/** The upper bound of a bucket. */
function boundMs(bucket: number): number {
  return bucket < 0 ? 0 : latencyBuckets.leastMs * latencyBuckets.growth ** bucket;
}

/** The upper bound of the bucket in which the 99th percentile lies (nearest rank); null without requests. */
function p99Of({ latencies, requests }: AnswerTotals): number | null {
  let left = Math.ceil(requests * 0.99);
  const buckets = Object.keys(latencies)
    .map(Number)
    .toSorted((one, other) => one - other);
  for (const bucket of buckets) {
    left -= latencies[bucket];
    if (left <= 0) return boundMs(bucket);
  }
  return null;
}

function shareOf(count: number, all: number): number | null {
  return all === 0 ? null : count / all;
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(4))} %`;
}

function milliseconds(ms: number): string {
  return `${Number(ms.toPrecision(3))} ms`;
}
