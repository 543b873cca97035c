import type { Actor, TableSchema } from '#contract';
import type { ResolvedJoin, ResolvedJoinSide } from '#project';

/** A side of a join, with the version that it is of. */
export interface JoinSide extends ResolvedJoinSide {
  /** A dataset version's digest. */
  readonly version: string;
}
export type Aggregate = Extract<ResolvedJoinSide['taken'], { kind: 'aggregate' }>['aggregates'][number];

export interface JoinRequest extends Omit<ResolvedJoin, 'sides'> {
  /** The dataset that the result is a version of. */
  readonly dataset: string;
  /** The base's version. */
  readonly version: string;
  readonly sides: readonly JoinSide[];
  /** The reviewed schema of the result. */
  readonly expect?: TableSchema;
  /** What it is joined from, in words, for the record. */
  readonly source: string;
  readonly by: Actor;
}
