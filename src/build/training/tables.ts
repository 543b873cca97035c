import type { Actor, CodeVersion, Environment, Run, Study } from '#contract';

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
  readonly environment: Environment;
  readonly error: string | null;
  readonly started_at: number;
  readonly ended_at: number | null;
  readonly created_by: Actor;
}

/** A key with a value of a run; a parameter's value is JSON, so that numbers and texts come back as they were. */
interface KeyedRow {
  readonly run: string;
  readonly key: string;
  readonly value: string;
  /** The first 200 characters, which an index covers. */
  readonly value_start: string;
}

export interface MetricRow {
  readonly run: string;
  readonly key: string;
  readonly step: number;
  /** UTC milliseconds. */
  readonly timestamp: number;
  readonly value: number;
}

/** The room's tables, for its `*-store.ts` files. */
export interface TrainingTables {
  experiments: { readonly id: number; readonly name: string; readonly created_at: number };
  runs: RunRow;
  run_parameters: KeyedRow;
  run_tags: KeyedRow;
  run_metrics: MetricRow & { readonly position?: number };
  run_metrics_latest: MetricRow;
  run_artifacts: { readonly run: string; readonly path: string; readonly digest: string; readonly size: number };
  studies: { readonly position?: number; readonly id: string; readonly record: Study };
}
