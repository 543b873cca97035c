import type { PortableError } from '#core';
import type { CopyResult, CopyTask } from './copy-objects.ts';
import type { PlaceResult, PlaceTask } from './place-files.ts';
import type { HashResult, HashTask, ScanResult, ScanSplit, ScanTask } from './scan-folder.ts';

/** What the threads of a pool share: where objects go and come from. */
export interface WorkerStart {
  /** The folder that objects are written to, in DVC's layout; nothing is written without it. */
  readonly objects?: string;
  /** On the same file system. */
  readonly incoming?: string;
  readonly reflink: boolean;
}

/** What a thread is started with. */
export interface ThreadStart extends WorkerStart {
  /** Where compiled modules are kept; undefined when they are not. */
  readonly compileCache?: string;
}

/** A task and what comes of it. */
export interface TaskKinds {
  readonly scan: { readonly task: ScanTask; readonly result: ScanResult | ScanSplit };
  readonly hash: { readonly task: HashTask; readonly result: HashResult };
  readonly place: { readonly task: PlaceTask; readonly result: PlaceResult };
  readonly copy: { readonly task: CopyTask; readonly result: CopyResult };
}

export type Task = TaskKinds[keyof TaskKinds]['task'];
export type TaskResult = TaskKinds[keyof TaskKinds]['result'];

export interface WorkerRequest {
  readonly tasks: readonly { readonly id: number; readonly task: Task }[];
}

export interface WorkerReply {
  readonly answers: readonly ({ readonly id: number } & ({ readonly result: TaskResult } | { readonly error: PortableError }))[];
}
