import type { LoadMeasured } from './open-loop.ts';

/** How a server did at one rate. */
export interface LoadPoint {
  /** Requests a second that were offered. */
  readonly offeredPerSecond: number;
  readonly requests: number;
  readonly errors: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** How late the generator was itself. */
  readonly lateP99Ms: number;
  /** Why this rate is too much; undefined when it is not. */
  readonly broken?: string;
}

export interface Saturation {
  /** In the order in which they were measured. */
  readonly points: readonly LoadPoint[];
  /** The highest rate that was borne. Without it, the first was too much. */
  readonly sustainedPerSecond?: number;
  /** The lowest rate that was too much. Without it, nothing up to the most that is offered was. */
  readonly brokenPerSecond?: number;
}

export interface SaturationPlan {
  readonly offer: (ratePerSecond: number) => Promise<LoadMeasured>;
  /** Where to begin, requests a second. */
  readonly startPerSecond: number;
  /** More is never offered: a generator has a capacity as well. */
  readonly mostPerSecond: number;
  /** A rate whose 99th percentile is higher is too much. */
  readonly latencyP99Ms: number;
  /** The search ends when borne and too much are this near, as a share of the former. Default 0.1. */
  readonly precision?: number;
}

/** Latency that grows by more, in seconds for each second of load, is a queue that never ends. */
const mostBacklog = 0.03;
const mostPoints = 20;

/**
 * The highest rate that a server bears: doubled until it is too much, then halved between, by ratio. A rate is too much when a request failed, when the
 * 99th percentile is above the target, or when requests wait longer and longer.
 */
export async function findSaturation(plan: SaturationPlan): Promise<Saturation> {
  const { precision = 0.1, mostPerSecond } = plan;
  const points: LoadPoint[] = [];
  let [borne, broken]: [number | undefined, number | undefined] = [undefined, undefined];
  const ask = async (rate: number): Promise<void> => {
    const measured = await plan.offer(rate);
    const why = tooMuch(measured, plan.latencyP99Ms);
    const { requests, errors, p50Ms, p99Ms, lateP99Ms } = measured;
    points.push({ offeredPerSecond: rate, requests, errors, p50Ms, p99Ms, lateP99Ms, ...(why === undefined ? {} : { broken: why }) });
    if (why === undefined) borne = rate;
    else broken = rate;
  };
  let rate = Math.min(plan.startPerSecond, mostPerSecond);
  while (broken === undefined && points.length < mostPoints) {
    await ask(rate);
    if (borne === mostPerSecond) break;
    rate = Math.min(2 * rate, mostPerSecond);
  }
  while (borne !== undefined && broken !== undefined && broken / borne > 1 + precision && points.length < mostPoints) {
    await ask(Math.sqrt(borne * broken));
  }
  return {
    points,
    ...(borne === undefined ? {} : { sustainedPerSecond: borne }),
    ...(broken === undefined ? {} : { brokenPerSecond: broken }),
  };
}

function tooMuch({ errors, requests, failures, p99Ms, backlog }: LoadMeasured, latencyP99Ms: number): string | undefined {
  if (errors > 0) return `${errors} of ${requests} requests failed: ${Object.keys(failures).join(', ')}`;
  if (p99Ms > latencyP99Ms) return `p99 ${p99Ms.toFixed(0)} ms is above ${latencyP99Ms} ms`;
  return backlog > mostBacklog ? 'requests wait longer and longer' : undefined;
}
