import type { ExecutionSpec, NamedRow, ReleaseManifest } from '#contract';
import type { Clock, GyreError, NewId } from '#core';
import type { Feeds } from '#onnx';
import type { Metrics } from '#telemetry';
import type { Outputs } from './batcher.ts';
import type { FallbackReason } from './fallback.ts';
import type { ServedModel } from './generation.ts';
import type { Images } from './image-inputs.ts';
import type { LoadOptions } from './loaded-model.ts';
import type { Outcome } from './outcome.ts';
import type { PayloadEvents } from './payload-events.ts';
import type { PlaneLeader } from './plane-peers.ts';
import type { RequestNote } from './request-note.ts';
import type { Spool } from './spool.ts';

export interface PlaneDeps extends Pick<LoadOptions, 'source' | 'elapsed' | 'computed' | 'python'> {
  /** Threads that this machine runs at once: the most worker threads of a model, unless it is said otherwise. */
  readonly workers: number;
  /** What this machine's operator says about running models; it counts before what the manifest says. */
  readonly execution?: ExecutionSpec;
  readonly clock: Clock;
  readonly newId: NewId;
  /** Uniform in [0, 1): traffic weights and log sampling. */
  readonly chance: () => number;
  readonly metrics: Metrics;
  /** Left out: predictions are not logged. */
  readonly spool?: Spool;
  /** Left out: nobody is told of requests and responses. */
  readonly events?: Pick<PayloadEvents, 'offer'>;
  /** Takes what shadows said beside what was answered, a JSON object each; left out: it is counted alone. */
  readonly shadowLog?: (line: string) => void;
  /** The plane that leads this one, on another thread; left out: none does. */
  readonly leader?: PlaneLeader;
  /** Whether whoever may infer may also unload models and load them again. */
  readonly modelControl?: boolean;
}

/** A model of the manifest, loaded or not. */
export interface RepositoryModel {
  readonly name: string;
  readonly version: string;
  readonly loaded: boolean;
}

/** What one request asks of a model. */
export interface Inference {
  /** Tensors by input name; all inputs of the model, of its types. */
  readonly feeds: Feeds;
  /** Pictures of those inputs that take them; `feeds` then has the others. */
  readonly images?: Images;
  /** The rows as the caller said them, for the log; default: read from the tensors. */
  readonly rows?: readonly NamedRow[];
  /** When what is predicted happened, ISO 8601; windows of monitoring go by it. */
  readonly eventTime?: string;
  /** The caller's name for each row. */
  readonly keys?: readonly string[];
  /** When the request arrived, on the clock of `elapsed`. */
  readonly receivedMs: number;
  /** How long the caller waits for the answer at most, from then on; the manifest may limit it further. */
  readonly timeoutMs?: number;
  /** Filled in with what came of it. */
  readonly note?: RequestNote;
}

export interface Inferred {
  /** A prediction id for each row. */
  readonly ids: readonly string[];
  readonly rows: number;
  readonly outputs: Outputs;
  /** What the model says for each row; undefined for a model that is neither a classifier nor a regression. */
  readonly outcomes: readonly Outcome[] | undefined;
  /** The one that answered: the fallback, where the leased one failed or was late. */
  readonly model: ServedModel;
  /**
   * Whether somebody may still read the tensors that were asked: a shadow, a model that was too late for its fallback, the process of a
   * Python model. Their memory is then not to be given back.
   */
  readonly holdsFeeds: boolean;
  /** Why the fallback answered. */
  readonly fallback?: FallbackReason;
}

/** An answer that is there already. */
export interface InferredNow {
  readonly inferred: Inferred;
  /**
   * Calls back once, as soon as the answer may be given: it is logged then.
   * @param done with what went wrong when every prediction must be logged and this one could not be
   */
  readonly settle: (done: (fault?: GyreError) => void) => void;
}

/** A model held for one request: a swap that happens meanwhile does not touch it. */
export interface Lease extends Disposable {
  readonly manifest: ReleaseManifest;
  readonly model: ServedModel;
  /**
   * What is asked, its pictures decoded as `infer` decodes them; the same where it has none.
   * @throws GyreError as `infer` does of pictures
   */
  decoded(inference: Inference): Promise<Inference>;
  /**
   * Runs the model, logs the predictions, and only then answers.
   * @throws GyreError INVALID_ARGUMENT when the tensors do not fit; OUT_OF_RANGE when there are too many rows; RESOURCE_EXHAUSTED when too many
   *   requests wait; DEADLINE_EXCEEDED when the caller waits no longer; UNAVAILABLE when every prediction must be logged and this one could not be
   */
  infer(inference: Inference): Promise<Inferred>;
  /**
   * As `infer`, for a model that answers at once, without waiting for others to share a run with.
   * @returns undefined when `infer` is to be asked; nothing was counted or logged then
   * @throws GyreError as `infer`
   */
  inferNow(inference: Inference): InferredNow | undefined;
}

/** What became of a request, as its transport saw it. */
export interface Answered {
  /** What metrics call it. */
  readonly route: string;
  /** The status, in the transport's own words. */
  readonly code: string;
  /** When the request arrived, on the clock of `elapsed`. */
  readonly receivedMs: number;
  /** Whether predictions were asked for. */
  readonly isInference: boolean;
  readonly isError: boolean;
}

export type SwapAnswer = { readonly loaded: true; readonly generation: number } | { readonly loaded: false; readonly refused: string };
