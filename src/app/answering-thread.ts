/** A thread that answers beside the one that leads: it opens what it is told, and does what the leading one asks. */
import { parentPort, workerData } from 'node:worker_threads';
import { GyreError, steadyMs, systemClock } from '#core';
import { PayloadEvents } from '#serving';
import type { PlaneChange } from '#serving';
import { createLogger, createMetrics, watchThread } from '#telemetry';
import { openAnswering } from './answering.ts';
import type { Answering } from './answering.ts';
import type { LeadingSide, ThreadSide, ThreadStart } from './answering-threads.ts';
import { pythonSettings } from './python-settings.ts';
import { eventHostsOf, openSource } from './served-manifest.ts';
import type { OpenedManifest } from './served-manifest.ts';
import { ThreadCalls } from './thread-calls.ts';

if (parentPort === null) throw new Error('this is to be started as a worker thread');
const port = parentPort;
const { options, ports, ledger, tls, clock } = workerData as ThreadStart;
// Each thread counts from its own start; both can read the machine's clock.
const aheadMs = clock.elapsedMs + steadyMs() - clock.readAt - performance.now();
const log = createLogger({
  level: options.logLevel ?? 'info',
  destination: process.stderr,
  bindings: { role: 'inference', pid: process.pid, thread: ports.thread },
});
const metrics = createMetrics();
const watch = watchThread(metrics);

interface Opened extends Pick<OpenedManifest, 'opened'> {
  readonly answering: Answering;
}

let opening: Promise<Opened> | undefined;

async function open(served: PlaneChange): Promise<Opened> {
  const { source, opened } = await openSource(options);
  const python = options.python === undefined ? undefined : pythonSettings(options.python, process.env);
  const answering = await openAnswering({
    options,
    ports: { ...ports, sharing: 'joined' },
    served,
    source,
    events: new PayloadEvents({ hosts: eventHostsOf(options), clock: systemClock, chance: Math.random, metrics, log }),
    metrics,
    log,
    ledger,
    aheadMs,
    shadowLog: (line) => void leading.ask('logShadow', line),
    leader: {
      setLoaded: (name, loaded) => leading.ask('setLoaded', name, loaded),
      reports: () => leading.ask('reports'),
      metricsText: () => leading.ask('metricsText'),
    },
    ...(tls === undefined ? {} : { tls }),
    ...(python === undefined ? {} : { python: { ...python, log: (facts, message) => log.info(facts, message) } }),
  });
  return { answering, ...(opened === undefined ? {} : { opened }) };
}

async function answering(): Promise<Answering> {
  if (opening === undefined) throw new GyreError('FAILED_PRECONDITION', 'this thread answers nothing yet');
  return (await opening).answering;
}

const own: ThreadSide = {
  open: async (served) => {
    opening = open(served);
    await opening;
  },
  prepare: async (change) => (await answering()).plane.prepare(change),
  commit: async () => (await answering()).plane.commit(),
  abandon: async () => (await answering()).plane.abandon(),
  flush: async () => (await answering()).plane.flush(),
  report: async () => (await answering()).plane.report(),
  collect: async () => (await answering()).plane.collect(),
  drain: async () => (await answering()).plane.drain(),
  shed: async () => {
    for (const server of (await answering()).servers) server.shed();
  },
  closeServers: async () => (await answering()).closeServers(),
  close: async () => {
    await (await answering()).close();
    await (await opening)?.opened?.[Symbol.asyncDispose]();
    watch[Symbol.dispose]();
    // Its end is the end of the thread, after the answer to this.
    setImmediate(() => port.close());
  },
};
const leading = new ThreadCalls<LeadingSide>(port, { ...own });
