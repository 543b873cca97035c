import { parentPort, workerData } from 'node:worker_threads';
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises';
import { seeded } from '#core';
import { openConnections } from './connections.ts';
import { generateLoad } from './open-loop.ts';
import type { LoadJob, LoadReply, LoadTarget } from './worker-messages.ts';

/** A thread that does nothing but offer a load: what else its process does delays no request, and no reading of an answer. */
const { requests, ...target } = workerData as LoadTarget;
using connections = openConnections(target);
const { promise: closed, resolve: close } = Promise.withResolvers<void>();

parentPort?.on('message', (job: LoadJob | 'close') => {
  if (job === 'close') {
    close();
    parentPort?.close();
    return;
  }
  const { id, seed, ...load } = job;
  void generateLoad({
    ...load,
    random: seeded(seed),
    send: (index, leaves) => connections.send(requests[index % requests.length], leaves),
    monotonicMs: () => performance.now(),
    sleep: (ms) => (ms > 0 ? pause(ms) : turn()),
  }).then((measured) => parentPort?.postMessage({ id, measured } satisfies LoadReply));
});
parentPort?.postMessage('ready');
await closed;
