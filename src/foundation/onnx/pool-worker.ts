// Entry of a worker thread of the pool: loads the model, then answers run after run.
import { parentPort, workerData } from 'node:worker_threads';
import { giveBack, steadyMs, threadCpuMs, toPortable } from '#core';
import { isWorkerStart, parcel } from './pool-messages.ts';
import type { PoolRequest, WorkerReply, WorkerStart } from './pool-messages.ts';
import { loadModel } from './runtime.ts';
import type { LoadedModel } from './runtime.ts';

const start: unknown = workerData;
if (parentPort !== null && isWorkerStart(start)) await serve(parentPort, start);

async function serve(port: NonNullable<typeof parentPort>, start: WorkerStart): Promise<void> {
  const reply = (message: WorkerReply, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);
  let model: LoadedModel;
  const before = process.memoryUsage.rss();
  try {
    // ONNX Runtime's binding cannot read shared memory: it gets a copy that lives only while it loads.
    const bytes = new Uint8Array(new Uint8Array(start.model));
    model = await loadModel(bytes, start.options);
  } catch (error) {
    reply({ kind: 'refused', error: toPortable(error) });
    port.close();
    return;
  }
  const handle = async (request: PoolRequest): Promise<void> => {
    if (request.kind === 'stop') {
      await model.release();
      port.close();
      return;
    }
    try {
      const startedMs = steadyMs();
      const before = threadCpuMs();
      const outputs = await model.run(request.feeds, request.outputs);
      const times = { startedMs, endedMs: steadyMs(), computedMs: threadCpuMs() - before };
      const { tensors, transfer } = parcel(outputs, true);
      reply({ kind: 'answer', id: request.id, outputs: tensors, times }, transfer);
      // They came to this thread for this run alone.
      for (const { type, data } of Object.values(request.feeds)) if (type !== 'STRING') giveBack(data);
    } catch (error) {
      reply({ kind: 'failure', id: request.id, error: toPortable(error) });
    }
  };
  // One after the other: `stop` must not release the model under a run that came before it.
  let last = Promise.resolve();
  port.on('message', (request: PoolRequest) => {
    last = last.then(() => handle(request));
  });
  reply({ kind: 'ready', bytes: process.memoryUsage.rss() - before });
}
