/** How lines of runs are drawn, as the address holds it. */
export interface ChartView {
  /** Undefined: those that fit the runs. */
  readonly metrics: readonly string[] | undefined;
  readonly axis: 'step' | 'time' | 'relative' | 'metric';
  /** The metric that is the axis. */
  readonly over: string | undefined;
  /** 0 to below 1. */
  readonly smooth: number;
  readonly logX: boolean;
  readonly logY: boolean;
  /** The parameter whose values are drawn as mean and range. */
  readonly by: string | undefined;
  /** The part of the axis that is drawn. */
  readonly from: number | undefined;
  readonly to: number | undefined;
}

/** Reads the query of an address; what it does not say is as usual. */
export function chartViewOf(search: string): ChartView {
  const query = new URLSearchParams(search);
  const numberIn = (name: string): number | undefined => {
    const value = Number(query.get(name) ?? Number.NaN);
    return Number.isFinite(value) ? value : undefined;
  };
  const axis = query.get('x') ?? 'step';
  const over = axis.startsWith('metric.') ? axis.slice('metric.'.length) : undefined;
  const smooth = numberIn('smooth') ?? 0;
  const log = query.get('log') ?? '';
  return {
    metrics: query.has('metrics') ? (query.get('metrics') ?? '').split(',').map(decodeURIComponent) : undefined,
    axis: over !== undefined ? 'metric' : axis === 'time' || axis === 'relative' ? axis : 'step',
    over,
    smooth: smooth > 0 && smooth < 1 ? smooth : 0,
    logX: log.includes('x'),
    logY: log.includes('y'),
    by: query.get('by') ?? undefined,
    from: numberIn('from'),
    to: numberIn('to'),
  };
}
