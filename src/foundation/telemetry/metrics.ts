import { GyreError } from '#core';

/** Label names and values of one series: `{ route: '/infer', code: '200' }`. */
export type Labels = Readonly<Record<string, string>>;

export interface MetricOptions {
  /** `gyre_requests_total`: base units, counters end in `_total`. */
  readonly name: string;
  readonly help: string;
  /** The label names that every series of it has. */
  readonly labels?: readonly string[];
}

export interface HistogramOptions extends MetricOptions {
  /** Upper bounds, growing; `+Inf` is added. Default: 1 ms … 10 s, in seconds. */
  readonly buckets?: readonly number[];
}

export interface Counter {
  /** @param by not negative; default 1 */
  inc(labels?: Labels, by?: number): void;
}

export interface Gauge {
  set(value: number, labels?: Labels): void;
  inc(labels?: Labels, by?: number): void;
}

export interface Histogram {
  observe(value: number, labels?: Labels): void;
}

/** A registry of metrics in Prometheus's text exposition format 0.0.4. */
export interface Metrics {
  counter(options: MetricOptions): Counter;
  gauge(options: MetricOptions): Gauge;
  histogram(options: HistogramOptions): Histogram;
  /** Called before each exposition, to bring gauges up to date. */
  onCollect(collect: () => void): void;
  /** The text that `/metrics` answers, with `metricsContentType`. */
  expose(): string;
}

export const metricsContentType = 'text/plain; version=0.0.4; charset=utf-8';

const defaultBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The lines of one metric, without its HELP and TYPE. */
interface Family {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly options: HistogramOptions;
  readonly handle: Counter & Gauge & Histogram;
  readonly lines: () => string[];
}

/**
 * A registry of its own: nothing is global. Asking for the same metric again gives the same one.
 * Its methods throw GyreError INVALID_ARGUMENT for names, labels and values outside of the format, ALREADY_EXISTS for a name in use with other options.
 */
export function createMetrics(): Metrics {
  const families = new Map<string, Family>();
  const collectors: (() => void)[] = [];
  const register = (type: Family['type'], options: HistogramOptions): Family => {
    const known = families.get(options.name);
    if (known !== undefined) {
      if (known.type === type && JSON.stringify(known.options) === JSON.stringify(options)) return known;
      throw new GyreError('ALREADY_EXISTS', `there is a metric ${options.name} already, of another type or with other options`);
    }
    checkNames(type, options);
    const family = type === 'histogram' ? histogramFamily(options) : valueFamily(type, options);
    families.set(options.name, family);
    return family;
  };
  return {
    counter: (options) => register('counter', options).handle,
    gauge: (options) => register('gauge', options).handle,
    histogram: (options) => register('histogram', options).handle,
    onCollect: (collect) => {
      collectors.push(collect);
    },
    expose: () => {
      for (const collect of collectors) collect();
      return [...families.values()]
        .flatMap(({ type, options, lines }) => [
          `# HELP ${options.name} ${escapeHelp(options.help)}`,
          `# TYPE ${options.name} ${type}`,
          ...lines(),
        ])
        .map((line) => `${line}\n`)
        .join('');
    },
  };
}

function checkNames(type: Family['type'], { name, labels = [], buckets = [] }: HistogramOptions): void {
  if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name))
    throw new GyreError('INVALID_ARGUMENT', `"${name}" is no name of a metric: letters, digits, _ and : are allowed`);
  for (const label of labels) {
    const reserved = label.startsWith('__') || (type === 'histogram' && label === 'le');
    if (reserved || !/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(label))
      throw new GyreError('INVALID_ARGUMENT', `"${label}" is no label of ${name}: letters, digits and _ are allowed`);
  }
  if (buckets.some((bound, i) => !Number.isFinite(bound) || (i > 0 && bound <= buckets[i - 1]))) {
    throw new GyreError('INVALID_ARGUMENT', `the buckets of ${name} must be finite and grow: ${buckets.join(', ')}`);
  }
}

function valueFamily(type: 'counter' | 'gauge', options: MetricOptions): Family {
  const series = new Map<string, number>();
  // A metric without labels is there from the start, so that its rate is known from the first event on.
  if ((options.labels ?? []).length === 0) series.set('', 0);
  const add = (labels: Labels | undefined, by: number): void => {
    const key = seriesKey(options, labels);
    if (type === 'counter' && !(by >= 0)) throw new GyreError('INVALID_ARGUMENT', `counter ${options.name} cannot go down by ${-by}`);
    series.set(key, (series.get(key) ?? 0) + by);
  };
  return {
    type,
    options,
    handle: {
      inc: (labels, by = 1) => add(labels, by),
      set: (value, labels) => void series.set(seriesKey(options, labels), value),
      observe: () => undefined,
    },
    lines: () => [...series].map(([key, value]) => `${options.name}${key === '' ? '' : `{${key}}`} ${formatValue(value)}`),
  };
}

interface Distribution {
  readonly counts: number[];
  sum: number;
}

function histogramFamily(options: HistogramOptions): Family {
  const bounds = options.buckets ?? defaultBuckets;
  const series = new Map<string, Distribution>();
  const observe = (value: number, labels?: Labels): void => {
    const key = seriesKey(options, labels);
    let distribution = series.get(key);
    if (distribution === undefined) {
      distribution = { counts: Array.from({ length: bounds.length + 1 }, () => 0), sum: 0 };
      series.set(key, distribution);
    }
    const bucket = bounds.findIndex((bound) => value <= bound);
    distribution.counts[bucket === -1 ? bounds.length : bucket] += 1;
    distribution.sum += value;
  };
  const lines = (): string[] =>
    [...series].flatMap(([key, { counts, sum }]) => {
      const bucketLabels = (le: string): string => `{${key === '' ? '' : `${key},`}le="${le}"}`;
      const braces = key === '' ? '' : `{${key}}`;
      let below = 0;
      const buckets = counts.map((count, i) => {
        below += count;
        return `${options.name}_bucket${bucketLabels(i < bounds.length ? formatValue(bounds[i]) : '+Inf')} ${below}`;
      });
      return [...buckets, `${options.name}_sum${braces} ${formatValue(sum)}`, `${options.name}_count${braces} ${below}`];
    });
  return { type: 'histogram', options, handle: { observe, inc: () => undefined, set: () => undefined }, lines };
}

/** The labels as they stand between the braces: every declared one, in the order of declaration. */
function seriesKey({ name, labels: declared = [] }: MetricOptions, labels: Labels = {}): string {
  const given = Object.keys(labels).length;
  if (given !== declared.length || declared.some((label) => labels[label] === undefined)) {
    throw new GyreError(
      'INVALID_ARGUMENT',
      `metric ${name} has the labels (${declared.join(', ')}), given were (${Object.keys(labels).join(', ')})`,
    );
  }
  return declared.map((label) => `${label}="${escapeLabel(labels[label])}"`).join(',');
}

const escapeHelp = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
const escapeLabel = (text: string): string => escapeHelp(text).replaceAll('"', '\\"');

function formatValue(value: number): string {
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  return String(value);
}
