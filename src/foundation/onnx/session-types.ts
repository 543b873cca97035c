import type { Dimension, ElementType, Tensor } from './tensor.ts';

/** An input or output of a loaded model. A shape of null means that the model declares none. */
export interface SessionValue {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly Dimension[] | null;
}

/** Input tensors by input name. */
export type Feeds = Readonly<Record<string, Tensor>>;

export interface RunOptions {
  /** Names of the outputs to compute; default all. */
  readonly outputs?: readonly string[];
  /**
   * Whether the pool may take the arrays of the feeds away instead of copying them; they are empty afterwards.
   * Arrays that show part of a larger buffer are copied all the same. No effect on an inline session.
   */
  readonly transfer?: boolean;
  /** Whether a worker thread that has it is given nothing else: another run would die with the thread. No effect on an inline session. */
  readonly alone?: boolean;
  /** Told where and when a worker thread ran it, before the answer is given. An inline session tells nothing: it ran here and now. */
  readonly onRan?: (run: WorkerRun) => void;
}

/** A run on a worker thread. */
export interface WorkerRun {
  /** As Node numbers its threads. */
  readonly thread: number;
  /** On the calling thread's `performance.now()`. */
  readonly startedMs: number;
  readonly endedMs: number;
  /** How long the thread computed for it, however busy the machine was. */
  readonly computedMs: number;
}

/** A loaded model that answers. */
export interface Session extends AsyncDisposable {
  /** What must be fed. */
  readonly inputs: readonly SessionValue[];
  /** What can be asked for. Outputs that are no dense tensors (sequences, maps) are left out. */
  readonly outputs: readonly SessionValue[];
  /**
   * Runs the model once.
   * @returns output tensors by output name
   * @throws GyreError INVALID_ARGUMENT when a feed is missing, unknown, or of another type or shape than the model declares
   *   (the message names the input and both types or shapes), or when the values make the model fail;
   *   UNAVAILABLE when the session was disposed or its worker thread died; RESOURCE_EXHAUSTED when memory or the queue is full
   */
  run(feeds: Feeds, options?: RunOptions): Promise<Record<string, Tensor>>;
  /**
   * As `run`, but answered at once, on the calling thread. Only there where the session was opened as `direct` and its graph is computed
   * here, without ONNX Runtime.
   */
  readonly runNow?: (feeds: Feeds, options?: RunOptions) => Record<string, Tensor>;
}

/** What computes: the processor, or an Nvidia card where ONNX Runtime's CUDA library is present. */
export type ExecutionProvider = 'cpu' | 'cuda';

export interface SessionOptions {
  /** Threads that one operation may use; default 1, which makes sums independent of the machine. */
  readonly intraOpThreads?: number;
  /** Default `cpu`. Operations that the provider lacks run on the processor. */
  readonly provider?: ExecutionProvider;
}

export interface InlineSessionOptions extends SessionOptions {
  /**
   * Whether the graph may be computed here instead of by ONNX Runtime, whose call costs several times what a row of a table costs. It is
   * where all of its operations are known and it gives the same bytes on the rows of a proof, which is made while it loads; otherwise
   * ONNX Runtime runs it. Default false.
   */
  readonly direct?: boolean;
}

export interface SessionPoolOptions extends SessionOptions {
  /** Worker threads, each with the model loaded; with none, runs wait until there is one. */
  readonly workers: number;
  /** Requests that may wait for a worker; one more is answered RESOURCE_EXHAUSTED. Default 1024. */
  readonly maxQueued?: number;
}

/** Sessions of one model on worker threads, entered as one. */
export interface SessionPool extends Session {
  /** Threads that it shall have. */
  readonly workers: number;
  /** Threads that have loaded the model and take runs. */
  readonly ready: number;
  /** How often a worker thread died and was started again. */
  readonly restarts: number;
  /** By how much the process's memory grew while a thread loaded the model, at least the model's size; what other threads did meanwhile counts too. */
  readonly workerBytes: number;
  /**
   * Changes how many threads there are. Threads that are too many finish what they were given; with none, runs wait for one.
   * @returns settled when the added threads have loaded the model, or the others have ended
   * @throws GyreError INVALID_ARGUMENT when `workers` is no whole number from 0 on; what the runtime says when a thread cannot load the model
   */
  resize(workers: number): Promise<void>;
}
