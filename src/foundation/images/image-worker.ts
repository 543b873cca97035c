// Entry of a worker thread: reads files and examines images, several at a time.
import { parentPort } from 'node:worker_threads';
import { isGyreError, messageOf } from '#core';
import { decodeImage, imageProblems } from './decode.ts';
import { factsOf } from './facts.ts';
import { readWhole } from './read-file.ts';
import { resizeRaster } from './resize.ts';

import type { ThreadJob, ThreadReply, ThreadRequest } from './thread-messages.ts';

const port = parentPort;
const running = new Set<Promise<void>>();

port?.on('message', (request: ThreadRequest) => {
  // The decoder must not lose its thread in the middle of its work: that would end the whole process.
  if (request.kind === 'stop') return void Promise.allSettled(running).then(() => port.close());
  const job: Promise<void> = work(request).finally(() => running.delete(job));
  running.add(job);
});

async function work(job: ThreadJob): Promise<void> {
  let reply: ThreadReply;
  try {
    reply = await answer(job);
  } catch (error) {
    const known = isGyreError(error) ? error : undefined;
    const problem = imageProblems.find((one) => one === known?.details.problem);
    reply = {
      id: job.id,
      kind: 'failure',
      code: known?.code ?? 'INTERNAL',
      message: messageOf(error),
      ...(problem === undefined ? {} : { problem }),
    };
  }
  port?.postMessage(reply, movedOf(reply));
}

/** What is handed over instead of copied. The decoder's buffers may be its own, those of a resized picture are ours. */
function movedOf(reply: ThreadReply): ArrayBuffer[] {
  if (reply.kind === 'read') return [reply.file.bytes.buffer];
  const buffer = reply.kind === 'pixels' && !Buffer.isBuffer(reply.raster.data) ? reply.raster.data.buffer : undefined;
  return buffer instanceof ArrayBuffer ? [buffer] : [];
}

async function answer(job: ThreadJob): Promise<ThreadReply> {
  const { id } = job;
  if (job.kind === 'read') return { id, kind: 'read', file: await readWhole(job.path, job.maxBytes) };
  if (job.kind === 'pixels') return { id, kind: 'pixels', raster: resizeRaster(await decodeImage(job.bytes, job.limits), job.target) };
  return { id, kind: 'facts', facts: await factsOf(job.bytes, job.limits) };
}
