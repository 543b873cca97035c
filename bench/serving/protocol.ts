/** What the bench and its load generator tell each other. */

export interface Target {
  readonly protocol: 'http' | 'grpc';
  readonly port: number;
  /** Whole requests: header and body of HTTP, or a message of gRPC without its prefix. They are sent in turns. */
  readonly requests: readonly Uint8Array[];
  /** For gRPC, `/package.Service/Method`. */
  readonly path?: string;
  /**
   * Where the values are that an answer must have: `json`, in an array of numbers in it; `tail`, as FP32 at the end of it; nowhere in an
   * answer that means nothing.
   */
  readonly check: 'json' | 'tail' | 'none';
  /** The values, by request. */
  readonly expected: readonly Float32Array[];
}

export interface Job {
  readonly target: Target;
  readonly connections: number;
  /** Not counted. */
  readonly warmMs: number;
  readonly durationMs: number;
}

export interface LoadAnswer {
  /** Of each request that was answered rightly, in the order in which they were. */
  readonly timesMs: Float64Array;
  readonly tookMs: number;
  /** Answers that are not 200 or not right, and connections that broke. */
  readonly failures: number;
  /** The first of them. */
  readonly reason?: string;
  /** What the generator itself used of a processor, 1 being all of one. */
  readonly cores: number;
}

/** Answers may differ from ONNX Runtime's own by its sums taken in another order, as it does in batches: relative to 1, and to the value. */
export const tolerance = 1e-4;

export function isClose(values: ArrayLike<number>, expected: Float32Array): boolean {
  if (values.length !== expected.length) return false;
  return expected.every((value, at) => Math.abs(values[at] - value) <= tolerance * (1 + Math.abs(value)) && Number.isFinite(values[at]));
}
