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

/** @throws GyreError INVALID_ARGUMENT (from its methods) for names outside the format, ALREADY_EXISTS for a name used twice with other options */
export function createMetrics(): Metrics {
  throw new Error('not yet');
}
