// Entry of a worker thread: reads files and examines images, several at a time.
import { parentPort } from 'node:worker_threads';
import { isGyreError, messageOf } from '#core';
import { factsOf } from './facts.ts';
import { readWhole } from './read-file.ts';

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
    reply = { id: job.id, kind: 'failure', code: isGyreError(error) ? error.code : 'INTERNAL', message: messageOf(error) };
  }
  port?.postMessage(reply, reply.kind === 'read' ? [reply.file.bytes.buffer] : []);
}

async function answer(job: ThreadJob): Promise<ThreadReply> {
  const { id } = job;
  if (job.kind === 'read') return { id, kind: 'read', file: await readWhole(job.path, job.maxBytes) };
  return { id, kind: 'facts', facts: await factsOf(job.bytes, job.limits) };
}
