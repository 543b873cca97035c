import { getCompileCacheDir } from 'node:module';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { fromPortable, GyreError, messageOf } from '#core';
import type { Task, TaskKinds, TaskResult, WorkerReply, WorkerStart } from './worker-tasks.ts';

const mostThreads = 16;
/** Messages that a thread is given at a time: the second waits in its mailbox, so that the thread is never idle between two. */
const messagesPerThread = 2;
/** Small tasks travel together when many wait. */
const mostTasksPerMessage = 24;
/** Files that one thread has looked at before another one has started. */
const mostFilesHere = 20_000;

interface Waiting {
  readonly id: number;
  readonly task: Task;
  readonly resolve: (result: TaskResult) => void;
  readonly reject: (error: Error) => void;
}

interface Lane {
  readonly worker: Worker;
  readonly inFlight: Map<number, Waiting>;
  messages: number;
}

/** Threads for work on files. After the first failure, or when the signal aborts, tasks that have not begun are refused. */
export interface WorkerPool extends AsyncDisposable {
  readonly threads: number;
  run<K extends keyof TaskKinds>(task: TaskKinds[K]['task'] & { readonly kind: K }): Promise<TaskKinds[K]['result']>;
  /** Whether the calling thread is to look at so many files itself: no thread has started yet, and it would take longer to. */
  takesHere(files: number): boolean;
}

export interface PoolOptions extends WorkerStart {
  readonly signal: AbortSignal;
  /** As many as there are processors without it. */
  readonly threads?: number;
}

export function openWorkerPool({ signal, threads = Math.min(mostThreads, availableParallelism()), ...start }: PoolOptions): WorkerPool {
  const queue: Waiting[] = [];
  const lanes: Lane[] = [];
  let [next, closed, here] = [0, false, 0];

  const dispatch = (): void => {
    if (signal.aborted) for (const { reject } of queue.splice(0)) reject(new GyreError('CANCELLED', 'stopped'));
    while (queue.length > 0) {
      const lane = freeLane();
      if (lane === undefined) return;
      const size = Math.max(1, Math.min(mostTasksPerMessage, Math.floor(queue.length / (threads * 4))));
      const tasks = queue.splice(0, size);
      for (const waiting of tasks) lane.inFlight.set(waiting.id, waiting);
      lane.messages += 1;
      lane.worker.postMessage({ tasks: tasks.map(({ id, task }) => ({ id, task })) });
    }
  };
  const freeLane = (): Lane | undefined => {
    const idle = lanes.find(({ messages }) => messages === 0);
    if (idle !== undefined) return idle;
    if (lanes.length < threads) return startLane();
    const [least] = lanes.toSorted((a, b) => a.messages - b.messages);
    return least !== undefined && least.messages < messagesPerThread ? least : undefined;
  };
  const startLane = (): Lane => {
    const lane: Lane = {
      worker: new Worker(new URL('workspace-thread.ts', import.meta.url), {
        workerData: { ...start, compileCache: getCompileCacheDir() },
        execArgv: [],
      }),
      inFlight: new Map(),
      messages: 0,
    };
    lanes.push(lane);
    lane.worker.on('message', ({ answers }: WorkerReply) => {
      lane.messages -= 1;
      for (const each of answers) {
        const waiting = lane.inFlight.get(each.id);
        lane.inFlight.delete(each.id);
        if ('result' in each) waiting?.resolve(each.result);
        else waiting?.reject(fromPortable(each.error));
      }
      dispatch();
    });
    const fail = (error: Error): void => {
      lanes.splice(lanes.indexOf(lane), 1);
      for (const { reject } of [...lane.inFlight.values(), ...queue.splice(0)]) reject(error);
    };
    lane.worker.on('error', (cause) => fail(new GyreError('INTERNAL', `a thread failed: ${messageOf(cause)}`, {}, { cause })));
    return lane;
  };
  const onAbort = (): void => dispatch();
  signal.addEventListener('abort', onAbort);
  return {
    threads,
    takesHere: (files) => {
      const isFew = lanes.length === 0 && here + files <= mostFilesHere;
      if (isFew) here += files;
      return isFew;
    },
    // The reply to a task of a kind is of that kind: the thread's switch sees to it.
    run: <K extends keyof TaskKinds>(task: Task) =>
      new Promise<TaskKinds[K]['result']>((resolve, reject) => {
        if (closed) return reject(new GyreError('CANCELLED', 'the threads have ended'));
        queue.push({ id: ++next, task, resolve: resolve, reject });
        dispatch();
      }),
    [Symbol.asyncDispose]: async () => {
      closed = true;
      signal.removeEventListener('abort', onAbort);
      for (const { reject } of queue.splice(0)) reject(new GyreError('CANCELLED', 'stopped'));
      // A thread may be cut off anywhere: whatever it writes gets its name when it is whole.
      await Promise.all(lanes.map(({ worker }) => worker.terminate()));
    },
  };
}
