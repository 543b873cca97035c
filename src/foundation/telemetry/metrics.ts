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

export interface GaugeOptions extends MetricOptions {
  /** What the same series of several registries are put together by; default `sum`. */
  readonly across?: 'sum' | 'max' | 'min';
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
  gauge(options: GaugeOptions): Gauge;
  histogram(options: HistogramOptions): Histogram;
  /** Called before each exposition, to bring gauges up to date. */
  onCollect(collect: () => void): void;
  /** What was counted until now. It can be sent to another thread. */
  collect(): readonly MetricFamily[];
  /** The text that `/metrics` answers, with `metricsContentType`. */
  expose(): string;
}

/** A metric with its series, as it was at one moment. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly across: 'sum' | 'max' | 'min';
  /** Upper bounds of a histogram's buckets; empty for others. */
  readonly bounds: readonly number[];
  /** `key`: the labels as they stand between the braces; `values`: the value, or a histogram's count of each bucket, then its sum. */
  readonly series: readonly { readonly key: string; readonly values: readonly number[] }[];
}

export const metricsContentType = 'text/plain; version=0.0.4; charset=utf-8';

const defaultBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

interface Family {
  readonly type: MetricFamily['type'];
  readonly options: GaugeOptions & HistogramOptions;
  readonly handle: Counter & Gauge & Histogram;
  readonly series: () => MetricFamily['series'];
}

/**
 * A registry of its own: nothing is global. Asking for the same metric again gives the same one.
 * Its methods throw GyreError INVALID_ARGUMENT for names, labels and values outside of the format, ALREADY_EXISTS for a name in use with other options.
 */
export function createMetrics(): Metrics {
  const families = new Map<string, Family>();
  const collectors: (() => void)[] = [];
  const register = (type: Family['type'], options: Family['options']): Family => {
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
  const collect = (): readonly MetricFamily[] => {
    for (const one of collectors) one();
    return [...families.values()].map(({ type, options, series }) => ({
      name: options.name,
      help: options.help,
      type,
      across: options.across ?? 'sum',
      bounds: type === 'histogram' ? (options.buckets ?? defaultBuckets) : [],
      series: series(),
    }));
  };
  return {
    counter: (options) => register('counter', options).handle,
    gauge: (options) => register('gauge', options).handle,
    histogram: (options) => register('histogram', options).handle,
    onCollect: (one) => {
      collectors.push(one);
    },
    collect,
    expose: () => exposed(collect()),
  };
}

/** Families in Prometheus's text exposition format 0.0.4. */
export function exposed(families: readonly MetricFamily[]): string {
  return families
    .flatMap((family) => [`# HELP ${family.name} ${escapeHelp(family.help)}`, `# TYPE ${family.name} ${family.type}`, ...linesOf(family)])
    .map((line) => `${line}\n`)
    .join('');
}

/**
 * Puts together what several registries of one process counted: counters and histograms are added up, gauges as each says.
 * @param registries each as `collect` gave it; metrics stand in the order in which they were met first
 */
export function merged(registries: readonly (readonly MetricFamily[])[]): readonly MetricFamily[] {
  const byName = Map.groupBy(registries.flat(), ({ name }) => name);
  return [...byName.values()].map((parts): MetricFamily => {
    const [first] = parts;
    const byKey = Map.groupBy(
      parts.flatMap(({ series }) => series),
      ({ key }) => key,
    );
    const series = [...byKey].map(([key, same]) => ({
      key,
      values: same[0].values.map((_, at) =>
        together(
          first.across,
          same.map(({ values }) => values[at]),
        ),
      ),
    }));
    return { ...first, series };
  });
}

function together(across: MetricFamily['across'], values: readonly number[]): number {
  if (across === 'sum') return values.reduce((sum, value) => sum + value, 0);
  return across === 'max' ? Math.max(...values) : Math.min(...values);
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

function valueFamily(type: 'counter' | 'gauge', options: Family['options']): Family {
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
    series: () => table.all.map(({ key, of }) => ({ key, values: [of.value] })),
  };
}

interface Distribution {
  readonly counts: number[];
  sum: number;
}

function histogramFamily(options: Family['options']): Family {
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
  const series = (): MetricFamily['series'] => table.all.map(({ key, of: { counts, sum } }) => ({ key, values: [...counts, sum] }));
  return { type: 'histogram', options, handle: { observe, inc: () => undefined, set: () => undefined }, series };
}

function linesOf({ name, type, bounds, series }: MetricFamily): readonly string[] {
  if (type !== 'histogram') return series.map(({ key, values: [value] }) => `${name}${key === '' ? '' : `{${key}}`} ${formatValue(value)}`);
  return series.flatMap(({ key, values }) => {
    const bucketLabels = (le: string): string => `{${key === '' ? '' : `${key},`}le="${le}"}`;
    const braces = key === '' ? '' : `{${key}}`;
    let below = 0;
    const buckets = values.slice(0, -1).map((count, i) => {
      below += count;
      return `${name}_bucket${bucketLabels(i < bounds.length ? formatValue(bounds[i]) : '+Inf')} ${below}`;
    });
    return [...buckets, `${name}_sum${braces} ${formatValue(values[values.length - 1])}`, `${name}_count${braces} ${below}`];
  });
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
