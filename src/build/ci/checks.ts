import type { CiCheck, CiMetric, PipelineRun, StepRun, TestReport } from '#contract';
import { hasCode } from '#core';
import type { CiDeps } from './port.ts';

/** What the data have to fit: the reviewed schema and every check of the quality reports. */
export async function dataChecks({ data }: Pick<CiDeps, 'data'>, { steps }: PipelineRun): Promise<readonly CiCheck[]> {
  const checks: CiCheck[] = [];
  for (const step of steps) {
    const dataset = datasetOf(step);
    const violations = step.outputs?.['violations'];
    if (typeof violations === 'number') {
      const message = violations === 0 ? 'no row violates it' : `${violations} ${violations === 1 ? 'violation' : 'violations'} of the reviewed schema`; // prettier-ignore
      checks.push({ part: 'data', name: `${dataset}: reviewed schema`, verdict: violations === 0 ? 'passed' : 'failed', message });
    }
    if (step.kind !== 'data.quality') continue;
    const reported = step.outputs?.['report'] ?? step.inputs['version'];
    if (typeof reported !== 'string') continue;
    const report = await data.getQuality(reported).catch((error: unknown) => {
      if (hasCode(error, 'NOT_FOUND')) return undefined;
      throw error;
    });
    for (const { name: characteristic, checks: judged, outcome, score, limits } of report?.characteristics ?? []) {
      for (const check of judged) checks.push(qualityCheck(dataset, check));
      if (outcome !== 'fail' || judged.some((check) => check.outcome === 'fail')) continue;
      const message = `${characteristic} is ${score === null ? 'not measurable' : score.toFixed(3)}, wanted is ${limits.fail ?? 1} at least`;
      checks.push({ part: 'data', name: `${dataset}: ${characteristic}`, verdict: 'failed', message });
    }
  }
  return checks;
}

function qualityCheck(
  dataset: string,
  { name, outcome, message }: { readonly name: string; readonly outcome: string; readonly message: string },
): CiCheck {
  const verdict = outcome === 'fail' ? 'failed' : outcome === 'unmeasured' ? 'not_judged' : 'passed';
  return { part: 'data', name: `${dataset}: ${name}`, verdict, message: outcome === 'warn' ? `warning: ${message}` : message };
}

/** Each step of the pipeline: what failed, and what could not begin because of it. */
export function stepChecks({ steps }: PipelineRun): readonly CiCheck[] {
  return steps.map((step): CiCheck => {
    const { state, error, summary = '' } = step;
    const isFine = state === 'succeeded' || state === 'cached';
    const ms = msOf(step);
    return {
      part: 'steps',
      name: step.step,
      verdict: isFine ? 'passed' : state === 'skipped' ? 'not_judged' : 'failed',
      message: isFine ? `${state === 'cached' ? 'cached: ' : ''}${summary}` : (error ?? state),
      ...(ms === undefined ? {} : { ms }),
    };
  });
}

/** The gates of the test report: the charter's thresholds of success first. */
export function gateChecks(report: TestReport | undefined): readonly CiCheck[] {
  return (report?.gates ?? []).map(({ name, passed, message }) => ({
    part: 'gates',
    name,
    verdict: passed ? 'passed' : 'failed',
    message,
  }));
}

/** What `ci.mayWorsen` asks: no metric may be worse than on the base branch by more than it says. */
export function comparisonChecks(
  metrics: readonly CiMetric[],
  mayWorsen: Readonly<Record<string, number>>,
  says: string,
): readonly CiCheck[] {
  return Object.entries(mayWorsen).map(([name, allowed]): CiCheck => {
    const metric = metrics.find((one) => one.name === name);
    const at = { part: 'comparison', name: `${name} may worsen by ${allowed}` } as const;
    if (metric?.difference === undefined) {
      const why = metric === undefined ? `the test report has no ${name}` : metric.here === null ? `${name} could not be measured` : says;
      return { ...at, verdict: metric === undefined || metric.here === null ? 'failed' : 'not_judged', message: why };
    }
    const loss = metric.higherIsBetter ? -metric.difference : metric.difference;
    // The sums of decimals that people write are not to fail by the last bit.
    const passed = loss <= allowed + 1e-12;
    const figures = `${figure(metric.here)} against ${figure(metric.base)}`;
    const moved = loss > 0 ? `worse by ${figure(loss)}` : loss < 0 ? `better by ${figure(-loss)}` : 'the same';
    return { ...at, verdict: passed ? 'passed' : 'failed', message: `${figures}: ${moved}${chanceWords(metric)}` };
  });
}

/** Whether a difference is beyond chance, in words that follow another sentence's part. */
export function chanceWords({ verdict, interval }: Pick<CiMetric, 'verdict' | 'interval'>): string {
  if (verdict === undefined || interval === undefined) return '';
  const within = `${Math.round(interval.level * 100)}% ${figure(interval.low)} to ${figure(interval.high)}`;
  return verdict === 'no_evidence' ? `, which chance explains (${within})` : `, beyond chance (${within})`;
}

export function figure(value: number | null): string {
  return value === null ? '–' : Math.abs(value) >= 1000 ? value.toFixed(1) : value.toFixed(4);
}

/** How long a step took, milliseconds; undefined of one that was reused or did not run. */
export function msOf({ state, startedAt, endedAt }: StepRun): number | undefined {
  return state === 'cached' || startedAt === undefined || endedAt === undefined ? undefined : Date.parse(endedAt) - Date.parse(startedAt);
}

/** Steps of data are called after their dataset: `quality:customers`. */
export function datasetOf({ step }: Pick<StepRun, 'step'>): string {
  return step.slice(step.indexOf(':') + 1);
}
