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
}

export interface SessionOptions {
  /** Threads that one operation may use; default 1, which makes sums independent of the machine. */
  readonly intraOpThreads?: number;
}

export interface SessionPoolOptions extends SessionOptions {
  /** Worker threads, each with the model loaded; at least 1. */
  readonly workers: number;
  /** Requests that may wait for a worker; one more is answered RESOURCE_EXHAUSTED. Default 1024. */
  readonly maxQueued?: number;
}

/** Sessions of one model on worker threads, entered as one. */
export interface SessionPool extends Session {
  readonly workers: number;
  /** How often a worker thread died and was started again. */
  readonly restarts: number;
}
