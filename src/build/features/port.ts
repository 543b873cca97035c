import type { BlobStore } from '#blobs';
import type { Clock, NewId } from '#core';
import type { Actor, EventTypes, Transform, TransformStep } from '#contract';
import type { Events } from '#events';
import type { Feeds, GraphBuilder } from '#onnx';
import type { Store } from '#store';
import type { Frame } from '#tables';
import type { TargetFacts } from './target.ts';

/** A dataset version as training data, with the weight of each of its rows. */
export interface WeightedVersion {
  readonly version: string;
  /** > 0; 1 is an ordinary row. */
  readonly weight: number;
}

/** The features of some rows: row-major float32, the very values that the transform's ONNX graph gives. NaN is missing. */
export interface FeatureMatrix {
  readonly rows: number;
  readonly columns: number;
  /** One per column. */
  readonly names: readonly string[];
  /** `rows * columns` values; row r, column c is at `r * columns + c`. */
  readonly values: Float32Array;
}

export interface FitRequest {
  readonly name: string;
  readonly spec: TransformStep;
  /** The training rows: these versions one after the other. Nothing else is looked at. */
  readonly train: readonly WeightedVersion[];
  /** The column that names a row; it is never a feature. */
  readonly key?: string;
  /** The training rows, when the caller has them at hand: the versions' rows in the order of `train`. */
  readonly frame?: Frame;
  /** Of a transform of pictures: the bytes of its network. */
  readonly backbone?: Uint8Array;
  readonly by: Actor;
}

/** A transform that was fitted once more from its records, and its features. */
export interface Refitted {
  /** SHA-256 of its description: the transform's digest, where it came to the same. */
  readonly digest: string;
  readonly facts: TargetFacts;
  readonly graph: GraphBuilder;
  /** The name of the features in it. */
  readonly features: string;
  /** As `Features.apply`, computed anew. */
  matrix(frame: Frame, options?: ApplyOptions): Promise<FeatureMatrix>;
}

export interface ApplyOptions {
  /**
   * The frame is the very training data that the transform was fitted on (same rows, same order): outliers are clipped as `clip` asks, and
   * target encodings come from the other folds (out-of-fold), so that no row sees its own target. Inference does neither.
   */
  readonly forTraining?: boolean;
}

export interface TransformQuery {
  readonly name?: string;
  /** Default 50, at most 1000. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly after?: string;
}

/** What the room needs of `#data`. */
export interface RowsSource {
  /** @throws GyreError NOT_FOUND */
  open(version: string): Promise<Frame>;
}

export interface FeaturesDeps {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly events: Events<EventTypes>;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly data: RowsSource;
  /** Threads for features of pictures; default 1. They change nothing of the features. */
  readonly workers?: number;
}

/** Transforms: fitted once on training rows, kept as versioned artifacts, applied everywhere through one ONNX graph. */
export interface Features extends AsyncDisposable {
  /**
   * Fits a transform and keeps it. The same rows and specification give the same digest, and then the record there is.
   * @throws GyreError INVALID_ARGUMENT for a specification that does not fit the data (unknown columns, expressions with their position,
   * columns of too many categories, a target with one class), naming the columns
   */
  fit(request: FitRequest): Promise<Transform>;
  /**
   * Runs the transform's graph over the rows of a frame. The frame may have columns that the transform does not take.
   * @throws GyreError INVALID_ARGUMENT when a column is missing or of another type; FAILED_PRECONDITION when `forTraining` is asked of other rows
   */
  apply(transform: string | Transform, frame: Frame, options?: ApplyOptions): Promise<FeatureMatrix>;
  /**
   * The target of each row: class index (in the order of `classes`), or the number itself for regression.
   * @throws GyreError INVALID_ARGUMENT when a row has no target or a class that training never saw
   */
  target(transform: string | Transform, frame: Frame): Promise<Float64Array>;
  /** A graph with the inputs and everything up to the float32 value `features` [N, F]; learners append their nodes to it. */
  graphOf(transform: string | Transform): Promise<{ readonly graph: GraphBuilder; readonly features: string }>;
  /**
   * Fits the transform once more on rows that the caller brings, by its own specification. Nothing that was computed before is used.
   * @throws GyreError as `fit`
   */
  refit(transform: string | Transform, rows: { readonly frame: Frame; readonly weights: Float64Array }): Promise<Refitted>;
  /**
   * The tensors that the model's graph takes, for some of the rows of a frame: of pictures their pixels.
   * @throws GyreError as `apply`
   */
  feeds(transform: string | Transform, frame: Frame): Promise<Feeds>;
  /** The versions that the transform was fitted on. */
  trainedOn(transform: string | Transform): Promise<readonly WeightedVersion[]>;
  /** The specification that the transform was fitted by, with the key column. */
  specOf(transform: string | Transform): Promise<{ readonly spec: TransformStep; readonly key?: string }>;
  /** By digest or id. @throws GyreError NOT_FOUND */
  get(transform: string): Promise<Transform>;
  /** Newest first. */
  list(query?: TransformQuery): Promise<{ readonly items: readonly Transform[]; readonly next?: string }>;
}
