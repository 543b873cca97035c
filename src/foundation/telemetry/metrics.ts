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
  const table = new SeriesTable(options, () => ({ value: 0 }));
  return {
    type,
    options,
    handle: {
      inc: (labels, by = 1) => {
        const series = table.of(labels);
        if (type === 'counter' && !(by >= 0)) throw new GyreError('INVALID_ARGUMENT', `counter ${options.name} cannot go down by ${-by}`);
        series.value += by;
      },
      set: (value, labels) => {
        table.of(labels).value = value;
      },
      observe: () => undefined,
    },
    lines: () => table.all.map(({ key, of }) => `${options.name}${key === '' ? '' : `{${key}}`} ${formatValue(of.value)}`),
  };
}

interface Distribution {
  readonly counts: number[];
  sum: number;
}

function histogramFamily(options: HistogramOptions): Family {
  const bounds = options.buckets ?? defaultBuckets;
  const table = new SeriesTable(
    options,
    (): Distribution => ({ counts: Array.from({ length: bounds.length + 1 }, () => 0), sum: 0 }),
    false,
  );
  const observe = (value: number, labels?: Labels): void => {
    const distribution = table.of(labels);
    let bucket = 0;
    while (bucket < bounds.length && !(value <= bounds[bucket])) bucket++;
    distribution.counts[bucket] += 1;
    distribution.sum += value;
  };
  const lines = (): string[] =>
    table.all.flatMap(({ key, of: { counts, sum } }) => {
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

interface Series<T> {
  /** The labels as they stand between the braces: every declared one, in the order of declaration. */
  readonly key: string;
  readonly of: T;
}

/** Where a label's value leads: to the values of the next label, or to the series behind the last one. */
interface Branch<T> {
  readonly branches: Map<string, Branch<T>>;
  series?: Series<T>;
}

/** The series of one metric, found by the values of its labels: that happens many times a request, so no text is made for it. */
class SeriesTable<T> {
  readonly #name: string;
  readonly #declared: readonly string[];
  readonly #make: () => T;
  readonly #root: Branch<T> = { branches: new Map() };
  readonly #all: Series<T>[] = [];

  /** @param isThere whether a metric without labels is there from the start, so that its rate is known from the first event on */
  constructor({ name, labels = [] }: MetricOptions, make: () => T, isThere = true) {
    this.#name = name;
    this.#declared = labels;
    this.#make = make;
    if (isThere && labels.length === 0) this.of();
  }

  /** In the order in which they came. */
  get all(): readonly Series<T>[] {
    return this.#all;
  }

  /** The series with these labels, made when it is new. @throws GyreError INVALID_ARGUMENT when they are not the declared ones */
  of(labels: Labels = {}): T {
    const declared = this.#declared;
    let given = 0;
    for (const _ in labels) given += 1;
    if (given !== declared.length) throw this.#mislabelled(labels);
    let branch = this.#root;
    for (const label of declared) {
      const value = labels[label];
      let next = branch.branches.get(value);
      if (next === undefined) {
        if (value === undefined) throw this.#mislabelled(labels);
        next = { branches: new Map() };
        branch.branches.set(value, next);
      }
      branch = next;
    }
    if (branch.series === undefined) {
      const key = declared.map((label) => `${label}="${escapeLabel(labels[label])}"`).join(',');
      branch.series = { key, of: this.#make() };
      this.#all.push(branch.series);
    }
    return branch.series.of;
  }

  #mislabelled(labels: Labels): GyreError {
    return new GyreError(
      'INVALID_ARGUMENT',
      `metric ${this.#name} has the labels (${this.#declared.join(', ')}), given were (${Object.keys(labels).join(', ')})`,
    );
  }
}

const escapeHelp = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
const escapeLabel = (text: string): string => escapeHelp(text).replaceAll('"', '\\"');

function formatValue(value: number): string {
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  return String(value);
}
