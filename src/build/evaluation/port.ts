import type { BlobStore } from '#blobs';
import type { Actor, CharterVersion, Comparison, EventTypes, Explanation, NamedRow, SplitStrategy, TestReport, TestSpec } from '#contract';
import type { Clock, NewId } from '#core';
import type { Events } from '#events';
import type { Features, RowsSource } from '#features';
import type { MetricName } from '#stats';
import type { Store } from '#store';
import type { Frame } from '#tables';
import type { Training } from '#training';
import type { UnseenRows } from './held-out.ts';
import type { ModelSource, ScoringModel } from './scoring-model.ts';

export interface EvaluationDeps {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly events: Events<EventTypes>;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly data: RowsSource;
  readonly features: Pick<Features, 'apply' | 'target' | 'specOf'>;
  readonly training: Pick<Training, 'readModel' | 'getRun'>;
}

export interface JudgeRequest {
  /** The id of a run of our trainers, or a model that was trained elsewhere. */
  readonly model: ModelSource;
  /** The held-out dataset version; no run that is judged on it may have trained on it. */
  readonly test: string;
  /** What train and validation scores are measured on; default: the run's own inputs. */
  readonly parts?: { readonly train?: readonly string[]; readonly validation?: string };
  /** Gates, slices, and how the decision threshold is chosen: the project file's section. */
  readonly spec?: TestSpec;
  /** Its thresholds of success are gates; its personal columns are slices. */
  readonly charter: CharterVersion;
  /** The model to compare with, on the same rows. */
  readonly champion?: ModelSource;
  /** Further datasets whose figures stand beside, such as the test split of before a change. */
  readonly alsoOn?: readonly { readonly name: string; readonly version: string }[];
  /** Validation sets of the split: each is reported with intervals, and gates may speak of it. */
  readonly validationSets?: readonly { readonly set: string; readonly strategy: SplitStrategy; readonly version: string }[];
  /** What importance, overfitting and the comparison speak of; default: the charter's first metric that fits the task. */
  readonly primary?: MetricName;
  /** Of resamples and permutations. Default: the run's seed, or 0. */
  readonly seed?: number;
  /** Bootstrap resamples. Default 1000. */
  readonly resamples?: number;
  /** Shuffles per column of the permutation importance. Default 5; 0 leaves importance out. */
  readonly repeats?: number;
  /** A slice of fewer rows is reported, not judged. Default 30. */
  readonly minSliceRows?: number;
  readonly by: Actor;
}

export interface CompareRequest {
  readonly champion: ModelSource;
  readonly challenger: ModelSource;
  /** The dataset version whose rows both are judged on. */
  readonly dataset: string;
  readonly metric?: MetricName;
  readonly seed?: number;
  readonly resamples?: number;
  /** Decision thresholds, for metrics on labels; default: those of each model's newest report, or 0.5. */
  readonly championThreshold?: number;
  readonly challengerThreshold?: number;
}

export interface ExplainRequest {
  readonly run: string;
  /** Raw rows: a frame, or records with named columns. */
  readonly frame: Frame | readonly NamedRow[];
  /** Positions of the rows to explain; default all, at most 1000. */
  readonly rows?: readonly number[];
  /** One contribution per feature of the model, or per raw column (features of the same columns added up). Default `feature`. */
  readonly groupBy?: 'feature' | 'column';
  /** Multiclass: whose margin; default the class that is predicted. */
  readonly class?: string;
  /** What the explanation names as its model; default the run. */
  readonly model?: string;
}

export interface ReportQuery {
  readonly run?: string;
  /** Of a model that was trained elsewhere. */
  readonly modelVersion?: string;
  readonly dataset?: string;
  readonly passed?: boolean;
  /** Default 50, at most 1000. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly after?: string;
}

/** Test reports, comparisons and explanations. */
export interface Evaluation {
  /**
   * Judges a model on rows that it never saw, and keeps the report. The same judgement again gives the report there is.
   * @throws GyreError FAILED_PRECONDITION when the model (or the champion) trained on the dataset; INVALID_ARGUMENT for a gate, slice or metric
   * that does not fit; NOT_FOUND
   */
  judge(request: JudgeRequest): Promise<TestReport>;
  /** A model to ask for scores, until it is disposed of. @throws GyreError NOT_FOUND; FAILED_PRECONDITION when a run has no model of ours */
  openModel(source: ModelSource): Promise<ScoringModel>;
  /**
   * The rows of a dataset version that a model may be judged on.
   * @throws GyreError FAILED_PRECONDITION when the model learned from this very version; NOT_FOUND
   */
  unseenRows(model: ScoringModel, dataset: string): Promise<UnseenRows>;
  /** By id or digest. @throws GyreError NOT_FOUND */
  getReport(id: string): Promise<TestReport>;
  /** Newest first. */
  listReports(query?: ReportQuery): Promise<{ readonly items: readonly TestReport[]; readonly next?: string }>;
  /** The canonical JSON that a report's digest names. @throws GyreError NOT_FOUND, DATA_LOSS */
  reportJson(id: string): Promise<Uint8Array>;
  /** A self-contained page without scripts. @throws GyreError NOT_FOUND */
  reportHtml(id: string): Promise<string>;
  /**
   * Champion against challenger on the same rows, by a paired bootstrap. Rows whose key either trained on are left out.
   * @throws GyreError FAILED_PRECONDITION when the dataset is a training input of either run, or no row is left
   */
  compare(request: CompareRequest): Promise<Comparison>;
  /**
   * What moved each prediction: base value and contributions add up to the margin within 1e-6. Sorted by size, the largest first.
   * @throws GyreError INVALID_ARGUMENT when the rows do not fit the model
   */
  explain(request: ExplainRequest): Promise<Explanation[]>;
}
