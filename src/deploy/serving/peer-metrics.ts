import type { Counter, Metrics } from '#telemetry';
import type { HeldModel } from './generation.ts';
import type { BatchTotals, ModelStatistics } from './model-statistics.ts';

interface PeerCounter {
  readonly name: string;
  readonly help: string;
  readonly of: (statistics: ModelStatistics) => number;
}

const micros = (ms: number): number => ms * 1000;
const spent =
  (part: keyof Pick<BatchTotals, 'inputMs' | 'inferMs' | 'outputMs'>) =>
  ({ batches }: ModelStatistics): number =>
    micros(batches.reduce((sum, batch) => sum + batch[part], 0));

/** By the names that Triton's (`nv_…`) and MLServer's (`model_infer_…`) dashboards and alerts ask for, where these mean the same. */
const peers: readonly PeerCounter[] = [
  { name: 'nv_inference_request_success', help: 'requests that the model answered', of: ({ success }) => success.count },
  { name: 'nv_inference_request_failure', help: 'requests that the model failed', of: ({ failure }) => failure.count },
  { name: 'nv_inference_count', help: 'rows predicted', of: ({ rows }) => rows },
  {
    name: 'nv_inference_exec_count',
    help: 'runs of the model',
    of: ({ batches }) => batches.reduce((sum, { runs }) => sum + runs, 0),
  },
  {
    name: 'nv_inference_request_duration_us',
    help: 'microseconds from the arrival of requests to their answers',
    of: ({ success }) => micros(success.ms),
  },
  { name: 'nv_inference_queue_duration_us', help: 'microseconds that requests waited for the model', of: ({ queue }) => micros(queue.ms) },
  { name: 'nv_inference_compute_input_duration_us', help: 'microseconds of putting requests together', of: spent('inputMs') },
  { name: 'nv_inference_compute_infer_duration_us', help: 'microseconds of running the model', of: spent('inferMs') },
  { name: 'nv_inference_compute_output_duration_us', help: 'microseconds of taking answers apart', of: spent('outputMs') },
  { name: 'model_infer_request_success', help: 'requests that the model answered', of: ({ success }) => success.count },
  { name: 'model_infer_request_failure', help: 'requests that the model failed', of: ({ failure }) => failure.count },
];

/** Registers what other servers of models count under names of their own. @param models those that are served when somebody asks */
export function peerMetrics(metrics: Metrics, models: () => readonly HeldModel[]): void {
  const labels = ['model', 'version'];
  const counters = peers.map(({ name, help, of }) => ({
    of,
    counter: metrics.counter({ name, help, labels }),
    seen: new Map<string, number>(),
  }));
  const pending = metrics.gauge({ name: 'nv_inference_pending_request_count', help: 'requests that wait for the model', labels });
  metrics.onCollect(() => {
    for (const { entry, loaded } of models()) {
      const own = { model: entry.name, version: entry.version };
      pending.set(loaded.queued, own);
      for (const { of, counter, seen } of counters) raise(counter, own, of(loaded.statistics), seen);
    }
  });
}

/** Brings a counter up to a total. */
function raise(
  counter: Counter,
  labels: { readonly model: string; readonly version: string },
  total: number,
  seen: Map<string, number>,
): void {
  const key = `${labels.model} ${labels.version}`;
  counter.inc(labels, Math.max(0, total - (seen.get(key) ?? 0)));
  seen.set(key, total);
}
