import type { Metrics } from '#telemetry';
import type { HeldModel } from '../generation.ts';

/** Registers what is known of the Python processes of models. @param models those that are served when somebody asks */
export function pythonMetrics(metrics: Metrics, models: () => readonly HeldModel[]): void {
  const labels = ['model', 'version'];
  const processes = metrics.gauge({ name: 'gyre_python_processes', help: 'Python processes that have loaded the model', labels });
  const restarts = metrics.gauge({
    name: 'gyre_python_restarts',
    help: 'how often a Python process of the model died and was started again',
    labels,
  });
  const resident = metrics.gauge({ name: 'gyre_python_resident_bytes', help: 'memory of the model’s Python processes', labels });
  metrics.onCollect(() => {
    for (const { entry, loaded } of models()) {
      const { python } = loaded.execution;
      if (python === undefined) continue;
      const own = { model: entry.name, version: entry.version };
      processes.set(python.processes, own);
      restarts.set(python.restarts, own);
      resident.set(python.residentBytes, own);
    }
  });
}
