// Entry of a worker thread: file system calls that wait, side by side with those of other threads.
import { parentPort, workerData } from 'node:worker_threads';
import { GyreError } from '#core';
import { objectWriter } from './cache-write.ts';
import type { ObjectWriter } from './cache-write.ts';
import { copyObjects } from './copy-objects.ts';
import { makeBuffers } from './file-bytes.ts';
import { portableFileError } from './file-errors.ts';
import { placeFiles } from './place-files.ts';
import { hashLarge, scanFolder } from './scan-folder.ts';
import type { Task, TaskResult, WorkerReply, WorkerRequest, WorkerStart } from './worker-tasks.ts';

const buffers = makeBuffers();
const opened = { at: '', stats: undefined };
const folders = new Set<string>();
// The pool that starts this thread hands this in.
const start = workerData as WorkerStart;
let writer: ObjectWriter | undefined;

function writing(): ObjectWriter {
  if (writer !== undefined) return writer;
  const { objects, incoming, reflink } = start;
  if (objects === undefined || incoming === undefined) throw new GyreError('INTERNAL', 'this thread has nowhere to put objects');
  return (writer = objectWriter(objects, incoming, reflink));
}

function run(task: Task): TaskResult {
  switch (task.kind) {
    case 'scan':
      return scanFolder(task, { buffers, writer: task.store ? writing() : undefined, opened });
    case 'hash':
      return hashLarge(task, { buffers, writer: task.what === 'store' ? writing() : undefined, opened });
    case 'place':
      return placeFiles(task, { buffers, writer: writing(), folders });
    case 'copy':
      return copyObjects(task, buffers, writing());
  }
}

function answer(task: Task): { readonly result: TaskResult } | { readonly error: WorkerErrorOf } {
  try {
    return { result: run(task) };
  } catch (error) {
    return { error: portableFileError(error) };
  }
}

type WorkerErrorOf = ReturnType<typeof portableFileError>;

function transferOf(reply: WorkerReply): ArrayBuffer[] {
  return reply.answers
    .flatMap((each) => {
      if (!('result' in each) || each.result.kind !== 'scanned') return [];
      return each.result.files === undefined ? [] : [each.result.files.stats.buffer];
    })
    .filter((buffer) => buffer instanceof ArrayBuffer);
}

parentPort?.on('message', ({ tasks }: WorkerRequest) => {
  const reply: WorkerReply = { answers: tasks.map(({ id, task }) => ({ id, ...answer(task) })) };
  parentPort?.postMessage(reply, transferOf(reply));
});
