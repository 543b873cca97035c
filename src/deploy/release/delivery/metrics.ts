import type { DeliveredChange, DeliveryMetrics, Deployment, Rollout } from '#contract';
import { deliveryStages } from '#contract';
import { isoInstant } from '#core';
import { median } from '#stats';

/** A version that had all of an environment's traffic for a while, however many manifests said so. */
export interface Tenure {
  readonly first: Deployment;
  readonly last: Deployment;
  /** When it came back by a rollback, and was rolled back in turn. */
  readonly failedAgain?: { readonly first: Deployment; readonly last: Deployment };
}

const weekMs = 7 * 86_400_000;
const mostLatest = 100;

/**
 * Puts deployments of one environment together: those of the same version in a row are one tenure (its tokens were renewed, a rollout gave it back its
 * share). What a rollback brought back is no change, and neither is a switch that failed: nobody was served by it.
 * @param deployments of one environment, in any order
 * @returns in their order
 */
export function tenuresOf(deployments: readonly Deployment[]): readonly Tenure[] {
  const served = deployments
    .filter(({ state, manifest }) => manifest !== undefined && state !== 'failed' && state !== 'rolling')
    .toSorted((one, other) => one.generation - other.generation);
  const tenures: { first: Deployment; last: Deployment }[] = [];
  for (const deployment of served) {
    const running = tenures.at(-1);
    if (running?.last.modelVersion === deployment.modelVersion) running.last = deployment;
    else tenures.push({ first: deployment, last: deployment });
  }
  // A version that a rollback brought back, and that was rolled back then, failed as well: its change is the one that it went back to.
  const failedAgain = tenures.filter(({ first, last }) => first.backTo !== undefined && last.state === 'rolled_back');
  return tenures
    .filter(({ first }) => first.backTo === undefined)
    .map(({ first, last }) => {
      const again = failedAgain.find(({ first: back }) => {
        const generation = back.backTo ?? 0;
        return generation >= first.generation && generation <= last.generation;
      });
      return { first, last, ...(again === undefined || last.state === 'rolled_back' ? {} : { failedAgain: again }) };
    });
}

/** A tenure that a rollback ended failed, and so did a rollout that was taken back: both had served callers. */
export function isFailed({ last, failedAgain }: Tenure): boolean {
  return last.state === 'rolled_back' || failedAgain !== undefined;
}

/** How long a version that failed had served, when it was rolled back. */
export function restoreMsOf({ first, last, failedAgain }: Tenure): number | undefined {
  const { first: begun, last: ended } = failedAgain ?? { first, last };
  return ended.state === 'rolled_back' && ended.endedAt !== undefined
    ? Date.parse(ended.endedAt) - Date.parse(begun.deployedAt)
    : undefined;
}

/** A rollout that failed in production; one whose first step never was live harmed nobody. */
export function isFailedRollout({ state, history, plan }: Rollout): boolean {
  return state === 'rolled_back' && plan.strategy !== 'shadow' && history.some(({ what }) => what === 'step');
}

/** Milliseconds between instants that are known; an instant that came too late for its place counts as no wait. */
export function stagesOf(
  changedAt: string | undefined,
  reached: Readonly<Partial<Record<(typeof deliveryStages)[number], string>>>,
): Pick<DeliveredChange, 'stages' | 'leadTimeMs'> {
  if (changedAt === undefined) return { stages: {} };
  const stages: Partial<Record<(typeof deliveryStages)[number], number>> = {};
  const begun = Date.parse(changedAt);
  let since = begun;
  for (const stage of deliveryStages) {
    const at = reached[stage];
    if (at === undefined) continue;
    stages[stage] = Math.max(0, Date.parse(at) - since);
    since = Math.max(since, Date.parse(at));
  }
  return { stages, ...(reached.release === undefined ? {} : { leadTimeMs: since - begun }) };
}

/**
 * The four figures of "Accelerate" (Forsgren, Humble, Kim 2018, chapter 2) and DORA's reports: deployment frequency, lead time for changes, change
 * failure rate, time to restore; the times as medians.
 * @param from,to milliseconds of the epoch; changes that came at `from` or later and before `to` count
 */
export function deliveryMetrics(
  environment: string,
  changes: readonly DeliveredChange[],
  { from, to }: { readonly from: number; readonly to: number },
): DeliveryMetrics {
  const counted = changes
    .filter(({ at }) => Date.parse(at) >= from && Date.parse(at) < to)
    .toSorted((one, other) => Date.parse(other.at) - Date.parse(one.at));
  const weeks = Math.max(1, Math.ceil((to - from) / weekMs));
  return {
    environment,
    from: isoInstant(from),
    to: isoInstant(to),
    ...figuresOf(counted),
    perWeek: counted.length / ((to - from) / weekMs),
    stages: deliveryStages.flatMap((stage) => {
      const waits = counted.flatMap(({ stages }) => stages[stage] ?? []);
      return waits.length === 0 ? [] : [{ stage, medianMs: median(waits), changes: waits.length }];
    }),
    // The last week ends at `to`; the first may be shorter.
    trend: Array.from({ length: weeks }, (_, week) => {
      const [begins, ends] = [Math.max(from, to - (weeks - week) * weekMs), to - (weeks - week - 1) * weekMs];
      return { from: isoInstant(begins), ...figuresOf(counted.filter(({ at }) => Date.parse(at) >= begins && Date.parse(at) < ends)) };
    }),
    latest: counted.slice(0, mostLatest),
  };
}

function figuresOf(
  changes: readonly DeliveredChange[],
): Pick<DeliveryMetrics, 'changes' | 'failures' | 'leadTimeMs' | 'changeFailureRate' | 'restoreMs'> {
  const failures = changes.filter(({ failed }) => failed).length;
  const medianOf = (values: readonly number[]): number | null => (values.length === 0 ? null : median(values));
  return {
    changes: changes.length,
    failures,
    leadTimeMs: medianOf(changes.flatMap(({ leadTimeMs }) => leadTimeMs ?? [])),
    changeFailureRate: changes.length === 0 ? null : failures / changes.length,
    restoreMs: medianOf(changes.flatMap(({ restoreMs }) => restoreMs ?? [])),
  };
}
