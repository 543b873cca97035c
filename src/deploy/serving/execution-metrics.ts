import type { Metrics } from '#telemetry';
import type { HeldModel } from './generation.ts';

/** Registers what models take of the machine: threads, memory, starts. */
export function executionMetrics(metrics: Metrics, models: () => readonly HeldModel[]): void {
  const labels = ['model', 'version'];
  const workers = metrics.gauge({ name: 'gyre_model_workers', help: 'worker threads that take a model’s runs', labels });
  const memory = metrics.gauge({
    name: 'gyre_model_memory_bytes',
    help: 'by how much the process grew when the model was loaded, for each worker; 0 while it is asleep',
    labels,
  });
  const queued = metrics.gauge({ name: 'gyre_model_queued_requests', help: 'requests that wait for a run of the model', labels });
  const coldStarts = metrics.gauge({ name: 'gyre_model_cold_starts', help: 'how often the model was loaded because it was asked', labels });
  const coldStart = metrics.gauge({
    name: 'gyre_model_cold_start_seconds',
    help: 'how long that took the last time',
    labels,
    across: 'max',
  });
  const restarts = metrics.gauge({ name: 'gyre_model_worker_restarts', help: 'worker threads that died and were started again', labels });
  metrics.onCollect(() => {
    for (const { entry, loaded } of models()) {
      const { execution } = loaded;
      const named = { model: entry.name, version: entry.version };
      workers.set(execution.workers, named);
      memory.set(execution.memoryBytes, named);
      queued.set(loaded.queued, named);
      coldStarts.set(execution.coldStarts, named);
      coldStart.set((execution.coldStartMs ?? 0) / 1000, named);
      restarts.set(execution.restarts, named);
    }
  });
}
