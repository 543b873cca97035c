import type { TestReport, WindowMetric } from '#contract';
import type { PerformanceFinding } from './findings.ts';
import type { PerformanceThreshold } from './port.ts';

/** A threshold as it applies to one model version. */
interface Settled {
  readonly metric: string;
  readonly atLeast: boolean;
  readonly limit: number;
  readonly text: string;
}

/** @returns undefined where it is relative to a test report that does not have the metric */
function settle({ metric, operator, value, relativeTo }: PerformanceThreshold, report: TestReport | undefined): Settled | undefined {
  const atLeast = operator === '>=' || operator === '>';
  if (relativeTo === undefined) return { metric, atLeast, limit: value, text: `${operator} ${value}` };
  const tested = report?.metrics.find(({ name }) => name === metric)?.value;
  if (tested === undefined || tested === null) return undefined;
  const limit = value * tested;
  return { metric, atLeast, limit, text: `${operator} ${limit.toFixed(3)} (${value} of test)` };
}

/**
 * Holds metrics against their thresholds. One is missed only when its whole interval lies on the wrong side: a few unlucky rows do not
 * cry wolf.
 * @param enough whether there are labels enough to judge at all; without, thresholds are shown and nothing is said
 */
export function judgeMetrics(
  metrics: readonly WindowMetric[],
  thresholds: readonly PerformanceThreshold[],
  report: TestReport | undefined,
  enough: boolean,
): { readonly metrics: readonly WindowMetric[]; readonly missed: readonly PerformanceFinding[]; readonly recovered: boolean } {
  const settled = thresholds.flatMap((threshold) => settle(threshold, report) ?? []);
  const missed: PerformanceFinding[] = [];
  const judged = metrics.map((metric): WindowMetric => {
    const threshold = settled.find((one) => one.metric === metric.name);
    if (threshold === undefined) return metric;
    const { atLeast, limit, text } = threshold;
    const { value, interval } = metric;
    if (!enough || value === null || interval === undefined) return { ...metric, threshold: text };
    const met = atLeast ? interval.high >= limit : interval.low <= limit;
    if (!met) missed.push({ metric: metric.name, value, interval, limit, atLeast, threshold: text });
    return { ...metric, threshold: text, met };
  });
  return { metrics: judged, missed, recovered: enough && settled.every((threshold) => isBack(threshold, metrics)) };
}

/** That an alert is over is said more slowly than that it began: the value itself has to be on the right side, not only its interval's end. */
function isBack({ metric, atLeast, limit }: Settled, metrics: readonly WindowMetric[]): boolean {
  const value = metrics.find(({ name }) => name === metric)?.value;
  return value !== undefined && value !== null && (atLeast ? value >= limit : value <= limit);
}
