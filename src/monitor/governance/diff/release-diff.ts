import type { ReleaseDiff, ReleaseDiffMetric, TestReport } from '#contract';
import { releaseDiffParts, isJudged } from '#contract';
import { GyreError } from '#core';
import { isMetricName, type MetricName } from '#stats';
import type { GovernanceDeps } from '../port.ts';
import { gather, type Gathered, type SideOf } from './gather.ts';
import { linesOf } from './lines.ts';
import { sayingsOf } from './parts.ts';

export interface ReleaseDiffRequest {
  readonly from: SideOf;
  readonly to: SideOf;
  /** Whether both are asked on the same rows, which takes as long as that takes. Default false. */
  readonly paired?: boolean;
}

/** See `Governance.releaseDiff`. */
export async function releaseDiff(deps: GovernanceDeps, request: ReleaseDiffRequest): Promise<ReleaseDiff> {
  const [from, to] = await Promise.all([gather(deps, request.from), gather(deps, request.to)]);
  const parts = releaseDiffParts.map((part) => {
    const lines = linesOf(sayingsOf[part](from), sayingsOf[part](to));
    return { part, changed: lines.filter(({ same }) => !same).length, lines: [...lines], notes: notesOf(part, from, to) };
  });
  const commits = await commitsOf(deps, from, to);
  return {
    from: from.side,
    to: to.side,
    parts: [...parts.filter(({ changed }) => changed > 0), ...parts.filter(({ changed }) => changed === 0)],
    metrics: metricsOf(from.report, to.report),
    ...(commits === undefined ? {} : { commits }),
    ...(request.paired === true ? { paired: await pairedOf(deps, from, to) } : {}),
  };
}

/** What a part cannot say, and of which side. */
function notesOf(part: ReleaseDiff['parts'][number]['part'], from: Gathered, to: Gathered): string[] {
  const of = (lacks: (one: Gathered) => boolean, words: string): string[] =>
    [from, to].flatMap((one) => (lacks(one) ? [`${one.side.title} ${words}`] : []));
  if (part === 'settings') return of(({ manifest }) => manifest === undefined, 'was not deployed: no manifest says what it runs with');
  if (part === 'code' || part === 'parameters')
    return of(({ run }) => run === undefined, 'was trained elsewhere, or its run is not on record: nothing is known of it here');
  if (part === 'gates') return of(({ report }) => report === undefined, 'has no test report');
  if (part === 'application_tests') return of(({ tests }) => tests.length === 0, 'has no application tests');
  if (part === 'signature') return of(({ version }) => version.signature === undefined, 'says nowhere what it takes');
  return [];
}

function metricsOf(from: TestReport | undefined, to: TestReport | undefined): ReleaseDiff['metrics'] {
  const names = new Set([from, to].flatMap((report) => report?.metrics.map(({ name }) => name) ?? []));
  const items = [...names].map((name): ReleaseDiffMetric => {
    const [left, right] = [from, to].map((report) => report?.metrics.find((metric) => metric.name === name));
    const isBoth = typeof left?.value === 'number' && typeof right?.value === 'number';
    return {
      name,
      ...(left === undefined ? {} : { from: left.value }),
      ...(right === undefined ? {} : { to: right.value }),
      ...(left?.interval === undefined ? {} : { fromInterval: left.interval }),
      ...(right?.interval === undefined ? {} : { toInterval: right.interval }),
      ...(isBoth ? { difference: Number(right.value) - Number(left.value) } : {}),
      higherIsBetter: (right ?? left)?.higherIsBetter ?? true,
    };
  });
  const judgedOn = (report: TestReport): NonNullable<ReleaseDiff['metrics']['from']> => ({
    report: report.id,
    dataset: report.dataset,
    rows: report.rows,
  });
  return {
    sameRows: from !== undefined && from.dataset === to?.dataset,
    ...(from === undefined ? {} : { from: judgedOn(from) }),
    ...(to === undefined ? {} : { to: judgedOn(to) }),
    items,
  };
}

async function commitsOf({ commits }: GovernanceDeps, from: Gathered, to: Gathered): Promise<ReleaseDiff['commits']> {
  const [before, after] = [from.run?.code.commit, to.run?.code.commit];
  if (typeof before !== 'string' || typeof after !== 'string' || before === after) return undefined;
  return commits?.(before, after);
}

async function pairedOf(deps: GovernanceDeps, from: Gathered, to: Gathered): Promise<NonNullable<ReleaseDiff['paired']>> {
  if (from.version.id === to.version.id) return { why: 'both are the same version' };
  const { report } = to;
  if (!isJudged(from.version) || !isJudged(to.version) || report === undefined) return { why: 'one of them has no test report' };
  try {
    return {
      comparison: await deps.evaluation.compare({
        champion: await deps.registry.modelSource(from.version),
        challenger: await deps.registry.modelSource(to.version),
        dataset: report.dataset,
        ...metricIn(report),
      }),
    };
  } catch (error) {
    // What cannot be compared is part of the answer; what failed is not.
    if (error instanceof GyreError && error.code !== 'INTERNAL') return { why: error.message };
    throw error;
  }
}

/** The metric that the report's own comparison speaks of. */
function metricIn({ comparison, primary }: TestReport): { readonly metric?: MetricName } {
  const metric = comparison?.metric ?? primary;
  return metric === undefined || !isMetricName(metric) ? {} : { metric };
}
