import { type ChartView, chartViewOf } from './chart-view.ts';

/*
 * A figure in a report: a fenced block `chart` with a line for each of its sides, such as `metric: loss`. Pure.
 */

export const chartKinds = ['lines', 'box', 'bar', 'scatter', 'table'] as const;
export type ChartKind = (typeof chartKinds)[number];

export interface ReportChart {
  readonly kind: ChartKind;
  readonly metric: string;
  /** By id or name; undefined: of all experiments. */
  readonly experiment: string | undefined;
  readonly filter: string;
  readonly order: string | undefined;
  /** Ids of runs; undefined: those that meet the filter. */
  readonly runs: readonly string[] | undefined;
  readonly limit: number;
  /** The parameter that makes groups, or the axis of a scatter. */
  readonly by: string | undefined;
  readonly view: ChartView;
}

export type ReadChart =
  | { readonly ok: true; readonly chart: ReportChart }
  | { readonly ok: false; readonly message: string; readonly line: number };

const sides = ['kind', 'metric', 'experiment', 'filter', 'order', 'runs', 'limit', 'by', 'x', 'smooth', 'log'] as const;
type Side = (typeof sides)[number];
const isSide = (name: string): name is Side => sides.some((side) => side === name);
const usualRuns = 20;
const mostRuns = 100;

/** Reads a block; what cannot be read is said with its line, from 1. */
export function readChart(text: string): ReadChart {
  const said = new Map<Side, { readonly value: string; readonly line: number }>();
  for (const [index, written] of text.split('\n').entries()) {
    const line = index + 1;
    if (written.trim() === '' || written.trim().startsWith('#')) continue;
    const colon = written.indexOf(':');
    const name = written.slice(0, Math.max(0, colon)).trim();
    if (colon < 0 || !isSide(name)) return wrong(`“${written.trim()}” is none of ${sides.join(', ')}, followed by a colon`, line);
    if (said.has(name)) return wrong(`${name} is said twice`, line);
    said.set(name, { value: written.slice(colon + 1).trim(), line });
  }
  const valueOf = (side: Side): string | undefined => (said.get(side)?.value === '' ? undefined : said.get(side)?.value);
  const lineOf = (side: Side): number => said.get(side)?.line ?? 1;
  const metric = valueOf('metric');
  if (metric === undefined) return wrong('it needs a metric, such as “metric: loss”', 1);
  const kind = chartKinds.find((one) => one === (valueOf('kind') ?? 'lines'));
  if (kind === undefined) return wrong(`the kind is one of ${chartKinds.join(', ')}`, lineOf('kind'));
  const limit = Number(valueOf('limit') ?? usualRuns);
  if (!Number.isInteger(limit) || limit < 1 || limit > mostRuns)
    return wrong(`the limit is a whole number from 1 to ${mostRuns}`, lineOf('limit'));
  const by = valueOf('by');
  if (by === undefined && (kind === 'box' || kind === 'bar' || kind === 'scatter'))
    return wrong(`a ${kind} needs a parameter, such as “by: depth”`, lineOf('kind'));
  const runs = valueOf('runs')
    ?.split(',')
    .map((id) => id.trim())
    .filter((id) => id !== '');
  const address = new URLSearchParams();
  for (const side of ['x', 'smooth', 'log'] as const) {
    const value = valueOf(side);
    if (value !== undefined) address.set(side, value);
  }
  if (by !== undefined && kind === 'lines') address.set('by', by);
  return {
    ok: true,
    chart: {
      kind,
      metric,
      experiment: valueOf('experiment'),
      filter: valueOf('filter') ?? '',
      order: valueOf('order'),
      runs,
      limit,
      by,
      view: chartViewOf(address.toString()),
    },
  };
}

function wrong(message: string, line: number): ReadChart {
  return { ok: false, message, line };
}

/** What a search is asked for, so that it answers the chart's runs with the values that are drawn. */
export function searchOf(chart: ReportChart, experiment: string | undefined): object {
  const named = chart.runs?.map((id) => `'${id.replaceAll("'", '')}'`).join(', ');
  return {
    ...(experiment === undefined ? {} : { experiments: [experiment] }),
    filter: named === undefined ? chart.filter : `attributes.run_id IN (${named})`,
    order: chart.order === undefined ? [] : [chart.order],
    limit: chart.limit,
    columns: { metrics: [chart.metric], parameters: chart.by === undefined ? [] : [chart.by] },
  };
}
