import type { Run } from '#contract';
import type { Lifecycle, SearchRuns } from './port.ts';

/*
 * Runs as a table of any length: where they stand in an order, what stands in the rows in sight, and what their metrics were, cut down to
 * what a figure can show.
 */

/** Which runs a table is about, in their order. */
export type RunSelection = Omit<SearchRuns, 'limit' | 'after'>;

/** What was logged under these keys is wanted. */
export interface RunColumns {
  readonly metrics: readonly string[];
  readonly parameters: readonly string[];
  readonly tags: readonly string[];
}

/** A run as a row: its values in the order of the columns, null where there is none. */
export interface RunRowView {
  readonly position: number;
  readonly id: string;
  /** The experiment's id. */
  readonly experiment: string;
  readonly name: string;
  readonly status: Run['status'];
  readonly lifecycle: Lifecycle;
  readonly user: string;
  readonly startedAt: number;
  readonly endedAt?: number;
  /** Last values; they may be NaN or infinite. */
  readonly metrics: readonly (number | null)[];
  readonly parameters: readonly (string | null)[];
  readonly tags: readonly (string | null)[];
}

/** What one metric was in the runs of a group; of finite last values. */
export interface GroupFigures {
  readonly count: number;
  readonly mean: number;
  readonly min: number;
  readonly max: number;
}

export interface RunGroup {
  /** The parameter's value, of which the first 200 characters count; null: runs without it. */
  readonly value: string | null;
  readonly runs: number;
  /** In the order that was asked for; null where no run of the group has the metric. */
  readonly metrics: readonly (GroupFigures | null)[];
}

/** What runs can be looked at by. */
export interface RunKeys {
  readonly metrics: readonly string[];
  readonly parameters: readonly KeyedValues[];
  readonly tags: readonly KeyedValues[];
}

export interface KeyedValues {
  readonly key: string;
  /** Some of the values that it has. */
  readonly values: readonly string[];
}

/** What a figure's horizontal axis is. `relative`: milliseconds since the metric's first value in the run. */
export type SeriesAxis = 'step' | 'time' | 'relative';

export interface SeriesQuery {
  readonly runs: readonly string[];
  readonly key: string;
  /** Another metric that is to be brought onto the same places, so that one can be drawn over the other. */
  readonly over?: string;
  readonly axis: SeriesAxis;
  /** Inclusive, on the axis. */
  readonly from?: number;
  readonly to?: number;
  /** How many places the axis is divided into, at most. */
  readonly buckets: number;
}

/** A metric of a run on places of an axis. */
export interface PlacedSeries {
  readonly run: string;
  /** Which places of `x` this run has values in. */
  readonly at: readonly number[];
  readonly mean: readonly number[];
  /** Absent where every place holds one value. */
  readonly min?: readonly number[];
  readonly max?: readonly number[];
}

/** Many runs on one axis, whose places all of them share. */
export interface SeriesAnswer {
  /** Rising; the least that any run has in its place. */
  readonly x: readonly number[];
  readonly series: readonly PlacedSeries[];
  /** The other metric that was asked for, in the same places. */
  readonly over?: readonly PlacedSeries[];
}

export interface MetricRange {
  readonly key: string;
  readonly count: number;
  readonly min: number;
  readonly max: number;
}

export interface RunTable {
  /** Positions of a page of runs in their order, and the token of what comes after these. */
  page(
    query: RunSelection & Pick<SearchRuns, 'after'>,
    limit: number,
  ): Promise<{ readonly positions: readonly number[]; readonly next?: string }>;
  /** Positions of all runs in their order, at most `most`, and whether there are more. */
  positions(query: RunSelection, most: number): Promise<{ readonly positions: readonly number[]; readonly more: boolean }>;
  /** Runs at positions, in their order; those of other experiments are left out. */
  rows(query: {
    readonly experiments: readonly string[];
    readonly positions: readonly number[];
    readonly columns: RunColumns;
  }): Promise<readonly RunRowView[]>;
  /** The runs by the value of a parameter, the largest group first, at most 1,000. */
  groups(query: RunSelection, by: string, metrics: readonly string[]): Promise<readonly RunGroup[]>;
  /** Keys that the newest and the oldest runs have: others may be there and can be asked for all the same. */
  keys(experiments: readonly string[]): Promise<RunKeys>;
  /** A metric of many runs, cut down to places that each keep the mean, the least and the greatest value. @throws GyreError NOT_FOUND */
  series(query: SeriesQuery): Promise<SeriesAnswer>;
  /** Sums up the long metrics of a run, so that figures of it are quick from the first look on; nothing where there is no such run. */
  outline(run: string): Promise<void>;
  /** Least and greatest value of each metric; undefined when there are too many values to look through. @throws GyreError NOT_FOUND */
  ranges(run: string): Promise<readonly MetricRange[] | undefined>;
}
