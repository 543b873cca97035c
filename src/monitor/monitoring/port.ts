import type { Actor, Alert, CellValue, ColumnType, Label, ModelVersion, Prediction, TestReport, Window, WindowMetric } from '#contract';
import type { Clock, NewId } from '#core';
import type { Data } from '#data';
import type { Evaluation } from '#evaluation';
import type { Events } from '#events';
import type { Features } from '#features';
import type { ComparisonOperator } from '#project';
import type { Registry } from '#registry';
import type { Store } from '#store';
import type { Frame } from '#tables';
import type { Training } from '#training';

/** A condition on a metric of actuals; `relativeTo: 'test'`: `value` times what the version's own test report found. */
export interface PerformanceThreshold {
  readonly metric: string;
  readonly operator: ComparisonOperator;
  readonly value: number;
  readonly relativeTo?: 'test';
}

/** What is watched, and when it is an alert: a project's `monitor` section with every default settled. */
export interface MonitorSettings {
  readonly windowMs: number;
  /** The part that drift is measured against. `train`: what the version was trained on, its recent rows where it has such. */
  readonly reference: string;
  /** A window with fewer rows (for performance: fewer labels) is reported, never judged. */
  readonly minRows: number;
  readonly drift: {
    /** Default: every input of the model. */
    readonly columns?: readonly string[];
    /** Family-wise chance of a false alarm in a window. */
    readonly alpha: number;
    /** Least population stability index that counts. */
    readonly psi: number;
  };
  /** Inputs that the prediction log does not keep: nothing is judged by them. */
  readonly unlogged?: readonly string[];
  readonly performance: readonly PerformanceThreshold[];
  readonly latencyP99Ms?: number;
  /** Environments whose windows are judged; those of others are reported only. Default: all. */
  readonly environments?: readonly string[];
}

/** What the room needs of `#registry`. */
export interface Versions extends Pick<Registry, 'modelSource'> {
  /** @throws GyreError NOT_FOUND */
  get(model: string, version: number | string): Promise<ModelVersion>;
  /** @throws GyreError NOT_FOUND */
  getById(id: string): Promise<ModelVersion>;
  byPackagePrefix(prefix: string): Promise<readonly ModelVersion[]>;
}

/** What the room needs of `#evaluation`. */
export interface Reports extends Pick<Evaluation, 'openModel'> {
  /** @throws GyreError NOT_FOUND */
  getReport(id: string): Promise<TestReport>;
}

export interface MonitoringDeps {
  readonly store: Store;
  readonly events: Events;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly data: Pick<Data, 'open' | 'get'>;
  readonly features: Pick<Features, 'specOf'>;
  readonly training: Pick<Training, 'getRun'>;
  readonly registry: Versions;
  readonly evaluation: Reports;
  /** The project's settings, as they are now. */
  readonly settings: () => MonitorSettings;
  /** The platform itself: who ingests and evaluates when nobody asks. */
  readonly actor: Actor;
}

export interface IngestSegment {
  readonly environment: string;
  /** The segment's name or digest: a segment that was taken in before is not taken in again. */
  readonly segment: string;
  readonly predictions: readonly Prediction[];
  readonly by?: Actor;
}

export interface SegmentIngested {
  /** False: this segment was taken in before. */
  readonly ingested: boolean;
  /** Predictions that were new. */
  readonly rows: number;
}

export interface LabelsJoined {
  /** New or changed labels of known predictions. */
  readonly joined: number;
  readonly unchanged: number;
  /** Labels of predictions that are not known yet: kept, and joined when the prediction arrives. */
  readonly unmatched: number;
}

/** Whose rows, in event time: from `from` up to but without `to`, ISO 8601. */
export interface Range {
  readonly environment: string;
  readonly endpoint: string;
  readonly from: string;
  readonly to: string;
}

export interface WindowQuery {
  readonly environment?: string;
  readonly endpoint?: string;
  /** Windows that start at or after this instant. */
  readonly from?: string;
  /** Windows that start before it. */
  readonly to?: string;
  /** Default `newest`. */
  readonly first?: 'oldest' | 'newest';
  /** Default 100, at most 1000. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly after?: string;
}

export interface PredictionQuery {
  readonly environment?: string;
  readonly endpoint?: string;
  readonly modelVersion?: string;
  readonly key?: string;
  readonly from?: string;
  readonly to?: string;
  /** Default `newest`. */
  readonly first?: 'oldest' | 'newest';
  /** Leaves inputs and outputs out. */
  readonly keysOnly?: boolean;
  /** Default 100, at most 10,000. */
  readonly limit?: number;
  readonly after?: string;
}

export interface JoinedLabel {
  readonly value: CellValue;
  /** ISO 8601. */
  readonly observedAt?: string;
  readonly receivedAt: string;
  /** 1 for the first value, one more with every change. */
  readonly revision: number;
}

/** A prediction as it is on record, with what became of it. */
export interface PredictionEntry {
  readonly id: string;
  readonly environment: string;
  readonly endpoint: string;
  readonly generation: number;
  /** Undefined when its package is none of a registered version. */
  readonly modelVersion?: string;
  readonly key?: string;
  /** When what is predicted happened: what the caller said, else when it was served. */
  readonly eventTime: string;
  /** The predicted class. */
  readonly predicted?: string;
  /** Binary: the probability of the second class of the signature; regression: the predicted number. */
  readonly score?: number;
  readonly label?: JoinedLabel;
  /** As it was logged; left out with `keysOnly`. */
  readonly prediction?: Prediction;
}

/** How well predictions of a stretch of time did. */
export interface PerformanceSummary {
  readonly from: string;
  readonly to: string;
  readonly rows: number;
  readonly labelled: number;
  readonly modelVersions: readonly string[];
  readonly metrics: readonly WindowMetric[];
}

export interface LabelledFrame {
  /** The columns of the version's training data; those that no prediction carries are missing in every row. */
  readonly frame: Frame;
  readonly target: string;
  readonly key: string;
  /** Row by row. */
  readonly predictionIds: readonly string[];
}

/** What an endpoint was asked lately. */
export interface RecentQuery {
  readonly environment: string;
  readonly endpoint: string;
  /** Event time, ISO 8601. Default: from the first on. */
  readonly from?: string;
  /** Columns to look at, with the types that they are read as. */
  readonly columns: readonly { readonly name: string; readonly type: ColumnType }[];
  /** At most so many predictions, the newest. */
  readonly limit: number;
}

/** The newest requests of an endpoint: the newest first. */
export interface RecentRequests {
  /** Their inputs; it has the columns that at least one of them carries. */
  readonly frame: Frame;
  /** The class that was said; null where none was. */
  readonly predicted: readonly (string | null)[];
  /** The value of a regression, or of two classes the probability of the second; else null. */
  readonly scores: readonly (number | null)[];
  /** What was true, where that is known; else null. */
  readonly actuals: readonly CellValue[];
  /** When, in event time: UTC milliseconds. */
  readonly at: readonly number[];
}

/** Predictions meet what really happened; windows are judged; alerts say what, how much, since when. */
export interface Monitoring {
  /**
   * Takes in a segment of the prediction log, exactly once.
   * @throws GyreError INVALID_ARGUMENT when a prediction is another environment's
   */
  ingestSegment(request: IngestSegment): Promise<SegmentIngested>;
  /**
   * Joins labels to predictions by id. The same label again changes nothing; another value replaces it and counts as a revision.
   * @throws GyreError INVALID_ARGUMENT naming the prediction whose label its model cannot have; nothing of the batch is joined then
   */
  joinLabels(labels: readonly Label[], by: Actor): Promise<LabelsJoined>;
  /**
   * Computes every window that ended before `until` (ISO 8601) and whose rows or labels changed since it was computed, in order of time,
   * and raises, updates or resolves the alert of its endpoint in the same transaction.
   */
  evaluate(request: { readonly until: string; readonly by?: Actor }): Promise<readonly Window[]>;

  /** @throws GyreError NOT_FOUND */
  getWindow(id: string): Promise<Window>;
  /** By start. */
  windows(query?: WindowQuery): Promise<{ readonly items: readonly Window[]; readonly next?: string }>;
  /** Newest first. */
  alerts(query?: {
    readonly state?: Alert['state'];
    readonly environment?: string;
    readonly endpoint?: string;
    readonly limit?: number;
  }): Promise<readonly Alert[]>;
  /** @throws GyreError NOT_FOUND */
  getAlert(id: string): Promise<Alert>;
  /** Someone has seen it; it stays open to updates and resolves by itself. @throws GyreError NOT_FOUND; FAILED_PRECONDITION when it is resolved */
  acknowledge(request: { readonly alert: string; readonly by: Actor }): Promise<Alert>;

  /** @throws GyreError NOT_FOUND */
  getPrediction(id: string): Promise<PredictionEntry>;
  /** By event time. */
  predictions(query?: PredictionQuery): Promise<{ readonly items: readonly PredictionEntry[]; readonly next?: string }>;
  /** How many predictions since an instant (event time) have a label. */
  labelledRows(query: {
    readonly environment: string;
    readonly endpoint: string;
    readonly since: string;
    readonly until?: string;
    readonly package?: string;
  }): Promise<number>;
  /** Predictions with their labels as a table, for training and for comparisons. @throws GyreError FAILED_PRECONDITION when there is none */
  labelledFrame(range: Range): Promise<LabelledFrame>;
  /**
   * The newest requests of an endpoint, as a table, with what was said and what was true.
   * @throws GyreError INVALID_ARGUMENT when a value cannot be of its column's type
   */
  recentRequests(query: RecentQuery): Promise<RecentRequests>;
  /** Metrics on actuals with 95 % intervals, over any stretch of time and whatever versions served in it. */
  performanceOver(range: Range): Promise<PerformanceSummary>;
}
