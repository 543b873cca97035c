import type { Counter, Gauge, Histogram, Metrics } from '#telemetry';
import type { Generation } from './generation.ts';
import { countRefusals } from './refusals.ts';
import type { Refusals } from './refusals.ts';

/** What a data plane counts, by the names that Prometheus sees. */
export interface PlaneMetrics {
  readonly requests: Counter;
  readonly requestSeconds: Histogram;
  readonly inFlight: Gauge;
  readonly inferenceSeconds: Histogram;
  readonly inferences: Counter;
  readonly failures: Counter;
  readonly fallbacks: Counter;
  readonly batchRows: Histogram;
  readonly batchRequests: Histogram;
  readonly loadSeconds: Gauge;
  readonly generation: Gauge;
  readonly ready: Gauge;
  readonly swaps: Counter;
  readonly unlogged: Counter;
  readonly dropped: Refusals;
  readonly queueSeconds: Histogram;
}

const latencies = [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const powers = [1, 2, 4, 8, 16, 32, 64, 128, 256];

/** Registers a data plane's metrics. */
export function planeMetrics(metrics: Metrics): PlaneMetrics {
  return {
    requests: metrics.counter({ name: 'gyre_http_requests_total', help: 'HTTP requests answered', labels: ['route', 'code'] }),
    requestSeconds: metrics.histogram({
      name: 'gyre_http_request_seconds',
      help: 'time from the end of the request’s header to the answer',
      labels: ['route'],
      buckets: latencies,
    }),
    inFlight: metrics.gauge({ name: 'gyre_http_requests_in_flight', help: 'HTTP requests that are being answered' }),
    inferenceSeconds: metrics.histogram({
      name: 'gyre_inference_seconds',
      help: 'time in queue and model for one request',
      labels: ['model', 'version'],
      buckets: latencies,
    }),
    inferences: metrics.counter({ name: 'gyre_inference_rows_total', help: 'rows predicted', labels: ['model', 'version'] }),
    failures: metrics.counter({
      name: 'gyre_inference_failures_total',
      help: 'requests that the model failed',
      labels: ['model', 'version', 'code'],
    }),
    fallbacks: metrics.counter({
      name: 'gyre_fallbacks_total',
      help: 'requests that the fallback answered, by the model that was asked and why it did not answer: failed or late',
      labels: ['model', 'version', 'reason'],
    }),
    batchRows: metrics.histogram({ name: 'gyre_batch_rows', help: 'rows in one run of a model', labels: ['model'], buckets: powers }),
    batchRequests: metrics.histogram({
      name: 'gyre_batch_requests',
      help: 'requests that shared a run of a model',
      labels: ['model'],
      buckets: powers,
    }),
    loadSeconds: metrics.gauge({
      name: 'gyre_model_load_seconds',
      help: 'time to load, warm up and measure a model',
      labels: ['model', 'version'],
      across: 'max',
    }),
    generation: metrics.gauge({ name: 'gyre_manifest_generation', help: 'generation of the manifest that is served', across: 'min' }),
    ready: metrics.gauge({ name: 'gyre_ready', help: '1 when requests are answered, 0 while loading or draining', across: 'min' }),
    swaps: metrics.counter({ name: 'gyre_manifest_swaps_total', help: 'manifests offered after the start', labels: ['result'] }),
    unlogged: metrics.counter({
      name: 'gyre_predictions_unlogged_total',
      help: 'predictions answered although their sampled log entry could not be written',
    }),
    dropped: countRefusals(metrics),
    queueSeconds: metrics.histogram({
      name: 'gyre_queue_seconds',
      help: 'time that requests waited for the model',
      labels: ['model', 'version'],
      buckets: latencies,
    }),
  };
}

/** Says how long each model of a generation took to load. */
export function noteLoads(counts: PlaneMetrics, generation: Generation): void {
  for (const { entry, loaded } of generation.models) {
    counts.loadSeconds.set(loaded.loadMs / 1000, { model: entry.name, version: entry.version });
  }
}
