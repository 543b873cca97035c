import type { Actor, CodeVersion, Environment, Run, Study } from '#contract';
import type { LoggedModelStatus } from './logged-models/port.ts';
import type { RunModel } from './tracking/port.ts';

/** Bound variables of one statement are limited (SQLite: 32,766): keys go in portions. */
export const keysPerQuery = 1000;

export interface RunRow {
  readonly position?: number;
  readonly id: string;
  readonly experiment: number;
  readonly name: string;
  readonly status: Run['status'];
  readonly trainer: string | null;
  readonly study: string | null;
  readonly trial: number | null;
  readonly seed: number | null;
  readonly inputs: Run['inputs'];
  readonly code: CodeVersion;
  /** null: the run was logged from outside, which says nothing of it. */
  readonly environment: Environment | null;
  readonly error: string | null;
  readonly started_at: number;
  readonly ended_at: number | null;
  readonly created_by: Actor;
  readonly deleted_at?: number | null;
  /** Who ran it, as its client says. */
  readonly user_name?: string | null;
}

/** What a text was before it was one, so that numbers and texts come back as they were. */
export type ValueKind = 'string' | 'number' | 'boolean';

/** A key with a value of a run. */
export interface KeyedRow {
  /** The run's position. */
  readonly run: number;
  readonly key: string;
  readonly value: string;
  /** The first 200 characters, which an index covers. */
  readonly value_start: string;
  readonly kind: ValueKind;
}

/** So many characters of a text an index holds. */
export const indexedLength = 200;

/** The value that a filter's index holds of a text. */
export const startOf = (value: string): string => value.slice(0, indexedLength);

/** A point of a metric; names are numbers. A value that is not a number is 0 and says so. */
interface PointRow {
  /** The run's position. */
  readonly run: number;
  readonly name: number;
  readonly step: number;
  /** UTC milliseconds. */
  readonly timestamp: number;
  readonly value: number;
  readonly is_nan: boolean;
}

export interface ExperimentRow {
  readonly id: number;
  /** What clients call it; its number as text, unless it was brought along. */
  readonly public_id: string;
  readonly name: string;
  readonly artifact_location: string | null;
  readonly created_at: number;
  readonly updated_at: number | null;
  readonly deleted_at: number | null;
}

export interface DatasetRow {
  readonly id?: number;
  readonly experiment: number;
  readonly name: string;
  readonly digest: string;
  readonly source_type: string;
  readonly source: string;
  readonly schema: string | null;
  readonly profile: string | null;
}

export interface LoggedModelRow {
  readonly position?: number;
  readonly id: string;
  readonly experiment: number;
  readonly name: string;
  readonly model_type: string | null;
  readonly status: LoggedModelStatus;
  readonly source_run: string | null;
  readonly created_at: number;
  readonly updated_at: number;
  readonly deleted_at: number | null;
  readonly created_by: Actor;
}

export interface CommentRow {
  readonly id: string;
  /** The run's position. */
  readonly run: number;
  readonly text: string;
  readonly created_at: number;
  readonly edited_at: number | null;
  readonly created_by: Actor;
}

interface ModelKeyedRow {
  /** The model's position. */
  readonly model: number;
  readonly key: string;
  readonly value: string;
  /** The first 200 characters, which an index covers. */
  readonly value_start: string;
}

/** The room's tables, for its `*-store.ts` files. */
export interface TrainingTables {
  experiments: ExperimentRow;
  experiment_tags: { readonly experiment: number; readonly key: string; readonly value: string };
  runs: RunRow;
  parameters: KeyedRow;
  tags: KeyedRow;
  metric_names: { readonly id?: number; readonly name: string };
  metric_points: PointRow;
  metric_latest: PointRow & { readonly in_order: boolean };
  metric_outlines: {
    /** The run's position. */
    readonly run: number;
    readonly name: number;
    readonly width: number;
    readonly until_step: number;
    readonly stretches: Uint8Array;
  };
  tracked_datasets: DatasetRow;
  run_datasets: {
    readonly run: number;
    readonly dataset: number;
    readonly context: string | null;
    readonly tags: readonly { readonly key: string; readonly value: string }[];
  };
  logged_models: LoggedModelRow;
  logged_model_parameters: ModelKeyedRow;
  logged_model_tags: ModelKeyedRow;
  logged_model_metrics: Omit<PointRow, 'run'> & {
    readonly model: number;
    readonly run: number;
    /** Empty: on no dataset. */
    readonly dataset_name: string;
    readonly dataset_digest: string;
  };
  run_comments: CommentRow & { readonly position?: number };
  comment_mentions: {
    readonly identity: string;
    /** The comment's position. */
    readonly comment: number;
    readonly run: number;
    readonly name: string;
    readonly seen_at: number | null;
  };
  run_models: RunModel & { readonly position?: number; readonly run: number };
  studies: { readonly position?: number; readonly id: string; readonly record: Study };
}
