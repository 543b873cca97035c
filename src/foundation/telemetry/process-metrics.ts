import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { Metrics } from './metrics.ts';

/**
 * Adds this process's memory, CPU time and start time, and what `watchThread` adds, by the names that Prometheus's own clients use.
 * Measures until disposed.
 */
export function watchProcess(metrics: Metrics): Disposable {
  const resident = metrics.gauge({ name: 'process_resident_memory_bytes', help: 'Resident memory size in bytes.' });
  const cpu = metrics.counter({ name: 'process_cpu_seconds_total', help: 'Total user and system CPU time spent in seconds.' });
  const started = metrics.gauge({ name: 'process_start_time_seconds', help: 'Start time of the process since unix epoch in seconds.' });
  started.set(performance.timeOrigin / 1000);
  let countedSeconds = 0;
  metrics.onCollect(() => {
    const { user, system } = process.cpuUsage();
    const cpuSeconds = (user + system) / 1e6;
    cpu.inc({}, cpuSeconds - countedSeconds);
    countedSeconds = cpuSeconds;
    resident.set(process.memoryUsage.rss());
  });
  return watchThread(metrics);
}

/** Adds the heap and the event loop lag of this thread. Measures until disposed. */
export function watchThread(metrics: Metrics): Disposable {
  const heap = metrics.gauge({ name: 'nodejs_heap_size_used_bytes', help: 'Process heap size used from Node.js in bytes.' });
  const lag = metrics.gauge({
    name: 'nodejs_eventloop_lag_seconds',
    help: 'Lag of the event loop since the last collection in seconds, beyond the time that it was to sleep.',
    labels: ['quantile'],
    across: 'max',
  });
  const delays = monitorEventLoopDelay({ resolution: resolutionMs });
  delays.enable();
  let watching = true;
  metrics.onCollect(() => {
    heap.set(process.memoryUsage().heapUsed);
    if (!watching) return;
    for (const quantile of [0.5, 0.99]) lag.set(seconds(delays.percentile(quantile * 100)), { quantile: String(quantile) });
    lag.set(seconds(delays.max), { quantile: '1' });
    delays.reset();
  });
  return {
    [Symbol.dispose]: () => {
      watching = false;
      delays.disable();
    },
  };
}

const resolutionMs = 10;

/** Nanoseconds between two ticks as seconds of delay: Node counts the wait for the tick with it. It says NaN while it has seen nothing. */
function seconds(nanoseconds: number): number {
  return Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / 1e9 - resolutionMs / 1000) : 0;
}
