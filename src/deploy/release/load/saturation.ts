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
  /** The highest rate that was borne. Without it, each was too much. */
  readonly sustainedPerSecond?: number;
  /** The lowest rate above it that was too much. Without it, nothing up to the most that is offered was. */
  readonly brokenPerSecond?: number;
  /** How it did at the rate that is asked for. */
  readonly asked?: LoadPoint;
}

export interface SaturationPlan {
  readonly offer: (ratePerSecond: number) => Promise<LoadMeasured>;
  /** Where to begin, requests a second. */
  readonly startPerSecond: number;
  /** More is never offered: a generator has a capacity as well. */
  readonly mostPerSecond: number;
  /** A rate that has to be borne: it is offered itself. At most `mostPerSecond`. */
  readonly askedPerSecond?: number;
  /** A rate whose 99th percentile is higher is too much. */
  readonly latencyP99Ms: number;
  /** The search ends when borne and too much are this near, as a share of the former. Default 0.1. */
  readonly precision?: number;
}

/** Latency that grows by more, in seconds for each second of load, is a queue that never ends. */
const mostBacklog = 0.03;
const mostPoints = 20;
/** Below, a step of seconds holds no requests to speak of. */
const leastPerSecond = 1;

/**
 * The highest rate that a server bears: doubled until it is too much (where the first already is, halved until it is not), then halved between, by ratio.
 * A rate is too much when a request failed, when the 99th percentile is above the target, or when requests wait longer and longer. The rate that is asked
 * for is a point of its own, on the way up or at the end.
 */
export async function findSaturation(plan: SaturationPlan): Promise<Saturation> {
  const { precision = 0.1, mostPerSecond, askedPerSecond } = plan;
  const points: LoadPoint[] = [];
  let [borne, broken]: [number | undefined, number | undefined] = [undefined, undefined];
  const offer = async (rate: number): Promise<void> => {
    const measured = await plan.offer(rate);
    const why = tooMuch(measured, plan.latencyP99Ms);
    const { requests, errors, p50Ms, p99Ms, lateP99Ms } = measured;
    points.push({ offeredPerSecond: rate, requests, errors, p50Ms, p99Ms, lateP99Ms, ...(why === undefined ? {} : { broken: why }) });
    if (why === undefined) borne = rate;
    else broken = rate;
  };
  const upwards = (from: number, to: number): number =>
    askedPerSecond !== undefined && from < askedPerSecond && askedPerSecond < to ? askedPerSecond : Math.min(to, mostPerSecond);
  let rate = Math.min(plan.startPerSecond, askedPerSecond ?? mostPerSecond, mostPerSecond);
  while (broken === undefined && points.length < mostPoints) {
    await offer(rate);
    if (borne === mostPerSecond) break;
    rate = upwards(rate, 2 * rate);
  }
  while (borne === undefined && broken !== undefined && broken / 2 >= leastPerSecond && points.length < mostPoints) {
    await offer(broken / 2);
  }
  while (borne !== undefined && broken !== undefined && broken / borne > 1 + precision && points.length < mostPoints) {
    await offer(Math.sqrt(borne * broken));
  }
  const isAsked = ({ offeredPerSecond }: LoadPoint): boolean => offeredPerSecond === askedPerSecond;
  if (askedPerSecond !== undefined && !points.some(isAsked)) await offer(askedPerSecond);
  const asked = points.find(isAsked);
  const ratesThat = (isBroken: boolean): readonly number[] =>
    points.filter((point) => (point.broken !== undefined) === isBroken).map(({ offeredPerSecond }) => offeredPerSecond);
  const sustained = Math.max(0, ...ratesThat(false));
  const tooMany = ratesThat(true).filter((each) => each > sustained);
  return {
    points,
    ...(sustained === 0 ? {} : { sustainedPerSecond: sustained }),
    ...(tooMany.length === 0 ? {} : { brokenPerSecond: Math.min(...tooMany) }),
    ...(asked === undefined ? {} : { asked }),
  };
}

function tooMuch({ errors, requests, failures, p99Ms, backlog }: LoadMeasured, latencyP99Ms: number): string | undefined {
  if (errors > 0) return `${errors} of ${requests} requests failed: ${Object.keys(failures).join(', ')}`;
  if (p99Ms > latencyP99Ms) return `p99 ${p99Ms.toFixed(0)} ms is above ${latencyP99Ms} ms`;
  return backlog > mostBacklog ? 'requests wait longer and longer' : undefined;
}
