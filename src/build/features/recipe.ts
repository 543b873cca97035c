import type { ImageInput, InputColumn, Task, TransformStep } from '#contract';
import type { WeightedVersion } from './port.ts';

/** A derived feature: its name and the expression that gives it. Later ones may use earlier ones. */
export interface DerivedPlan {
  readonly name: string;
  readonly expression: string;
}

/** A number on its way to features: a raw column or a derived feature. What is no finite number is missing. */
export interface NumberPlan {
  /** Name of a raw column or of a derived feature. */
  readonly source: string;
  /** What stands in for a missing value; null leaves it missing. */
  readonly fill: number | null;
  /** One more feature: 1 where the value is missing. */
  readonly flagMissing: boolean;
  /** The feature is (value - offset) / divisor. */
  readonly offset: number;
  readonly divisor: number;
  readonly scale: 'standard' | 'minmax' | 'none';
}

/** A category on its way to features: a code by value, then the row of a table by code. */
export interface CategoryPlan {
  readonly source: string;
  readonly encode: 'one_hot' | 'ordinal' | 'target';
  /** Values with their codes; several values may share one (`other`). Numbers where the source is a number. */
  readonly values: readonly (string | number)[];
  readonly codes: readonly number[];
  readonly missingCode: number;
  readonly unknownCode: number;
  /** One row per code; null is missing. */
  readonly table: readonly (readonly (number | null)[])[];
  /** The names of the table's columns, and how each came about. */
  readonly names: readonly string[];
  readonly how: readonly string[];
}

/** Principal components over the prepared numbers of some sources, which they replace. */
export interface ComponentsPlan {
  readonly sources: readonly string[];
  readonly means: readonly number[];
  /** One row per component. */
  readonly components: readonly (readonly number[])[];
  /** Share of the variance that each component explains. */
  readonly explained: readonly number[];
}

/** Features of pictures: a network that was trained before, and what it is given. */
export interface ImagePlan {
  /** What becomes of a picture before the graph. */
  readonly image: ImageInput;
  /** SHA-256 of the network's ONNX file. */
  readonly backbone: string;
  /** Which of its outputs, [N, columns]. */
  readonly output: string;
  readonly columns: number;
  /** The network takes (pixel - mean) / std of each channel, in planes; the graph does that. */
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

/** Everything that fitting found, as plain data: the graph is made from it alone. */
export interface Recipe {
  readonly inputs: readonly InputColumn[];
  readonly derived: readonly DerivedPlan[];
  readonly numbers: readonly NumberPlan[];
  readonly categories: readonly CategoryPlan[];
  readonly components?: ComponentsPlan;
  /** Of a transform of pictures, which has nothing else. */
  readonly image?: ImagePlan;
}

/** What happens to training rows alone, before or instead of parts of the graph. */
export interface TrainingOnly {
  /** Raw number columns with the bounds that outliers are clipped to. */
  readonly clip: readonly { readonly column: string; readonly low: number; readonly high: number }[];
  /** Target encodings of the rows of each fold, from the rows of the other folds: [fold][target-encoded category] → table. */
  readonly folds: readonly (readonly CategoryPlan['table'][])[];
}

/** A transform's description: stored as canonical JSON, whose SHA-256 is the transform's digest. */
export interface Description {
  readonly format: 'gyre.transform.v1';
  readonly spec: TransformStep;
  readonly key?: string;
  readonly train: readonly WeightedVersion[];
  /** Training rows, all versions together. */
  readonly rows: number;
  readonly target: string;
  readonly task: Task;
  readonly classes: readonly string[];
  readonly positive?: string;
  readonly features: readonly FeatureFacts[];
  readonly recipe: Recipe;
  readonly trainingOnly: TrainingOnly;
  readonly warnings: readonly string[];
  /** SHA-256 of the ONNX graph that the recipe gives. */
  readonly graph: string;
}

/** A feature's name, the raw columns behind it, and how it came about in words. */
export interface FeatureFacts {
  readonly name: string;
  readonly from: string[];
  readonly how: string;
}

/** A description with its graph: raw columns in, `features` float32 [N, F] out. */
export interface FittedTransform {
  readonly description: Description;
  readonly graph: Uint8Array;
}
