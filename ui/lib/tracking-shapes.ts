/*
 * What the routes of runs as a table answer and are asked; described in /api/docs.
 */

/** A metric's value as JSON says it. */
export type MetricValue = number | null | 'NaN' | 'Infinity' | '-Infinity';

export interface RunSelection {
  readonly experiments?: readonly string[];
  readonly filter: string;
  readonly order: readonly string[];
  readonly view: 'active' | 'deleted' | 'all';
}

export interface RunColumns {
  readonly metrics: readonly string[];
  readonly parameters: readonly string[];
  readonly tags: readonly string[];
}

export interface RunRow {
  readonly position: number;
  readonly id: string;
  readonly experiment: string;
  readonly name: string;
  readonly status: string;
  readonly lifecycle: 'active' | 'deleted';
  readonly user: string;
  readonly startedAt: string;
  readonly endedAt?: string;
  readonly metrics: readonly MetricValue[];
  readonly parameters: readonly (string | null)[];
  readonly tags: readonly (string | null)[];
}

export interface RunGroup {
  readonly value: string | null;
  readonly runs: number;
  readonly metrics: readonly ({ readonly count: number; readonly mean: number; readonly min: number; readonly max: number } | null)[];
}

interface KeyedValues {
  readonly key: string;
  readonly values: readonly string[];
}

export interface RunKeys {
  readonly metrics: readonly string[];
  readonly parameters: readonly KeyedValues[];
  readonly tags: readonly KeyedValues[];
}

/** A metric of a run on places of an axis. */
export interface PlacedSeries {
  readonly run: string;
  readonly at: readonly number[];
  readonly mean: readonly number[];
  readonly min?: readonly number[];
  readonly max?: readonly number[];
}

export interface SeriesAnswer {
  readonly x: readonly number[];
  readonly series: readonly PlacedSeries[];
  /** The other metric that was asked for, in the same places. */
  readonly over?: readonly PlacedSeries[];
}

/** What was logged of one run, beyond its record. */
export interface LoggedRun {
  readonly id: string;
  /** As MLflow's clients know it. */
  readonly publicId: string;
  readonly experiment: { readonly id: string; readonly name: string };
  readonly lifecycle: 'active' | 'deleted';
  readonly user: string;
  readonly metrics: readonly {
    readonly key: string;
    readonly value: MetricValue;
    readonly step: number;
    readonly at: string;
    /** Of finite values; absent where there are too many to look through. */
    readonly count?: number;
    readonly min?: number;
    readonly max?: number;
  }[];
  readonly datasets: readonly {
    readonly name: string;
    readonly digest: string;
    readonly sourceType: string;
    readonly source: string;
    readonly context?: string;
  }[];
}
