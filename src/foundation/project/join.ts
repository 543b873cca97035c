import type { DatasetSpec, JoinSide, JoinSource, Project } from '#contract';
import { GyreError } from '#core';
import { parseDuration } from './conditions.ts';

export const aggregateFunctions = ['count', 'count_distinct', 'sum', 'mean', 'median', 'min', 'max', 'std', 'first', 'last'] as const;
export type AggregateFunction = (typeof aggregateFunctions)[number];

export interface Aggregate {
  /** The column that it makes. */
  readonly name: string;
  readonly function: AggregateFunction;
  /** Absent for `count()`, which counts rows. */
  readonly column?: string;
}

/** A column that is taken over, under its new name. */
export interface TakenColumn {
  readonly name: string;
  readonly column: string;
}

/** What is taken of a dataset: figures over all rows of a key, the newest of them, or the only one. */
export type Taken =
  | { readonly kind: 'aggregate'; readonly aggregates: readonly Aggregate[] }
  | { readonly kind: 'latest'; readonly columns: readonly TakenColumn[] }
  | { readonly kind: 'one'; readonly columns?: readonly TakenColumn[] };

export interface ResolvedJoinSide {
  /** What it is called in the join. */
  readonly name: string;
  readonly dataset: string;
  readonly key: string;
  readonly time?: string;
  readonly windowMs?: number;
  readonly bounds: 'before' | 'at';
  readonly taken: Taken;
}

export interface ResolvedJoin {
  readonly base: string;
  /** The base's column. */
  readonly key: string;
  readonly at?: string;
  readonly sides: readonly ResolvedJoinSide[];
}

export function isJoin(source: DatasetSpec['source']): source is JoinSource {
  return typeof source === 'object' && 'join' in source;
}

/** The datasets that a dataset is joined from, the base first; none for one that is read. */
export function joinedFrom(source: DatasetSpec['source']): readonly string[] {
  if (!isJoin(source)) return [];
  return [...new Set([source.join, ...Object.entries(source.with).map(([name, side]) => side.of ?? name)])];
}

/** A join in words, for records: `join of customers with transactions, feedback`. */
export function joinText(source: JoinSource): string {
  return `join of ${source.join} with ${Object.keys(source.with).join(', ')}`;
}

/** @param text such as `sum(amount)` @throws GyreError INVALID_ARGUMENT */
export function parseAggregate(name: string, text: string): Aggregate {
  const match = /^\s*([a-z_]+)\s*\(\s*(.*?)\s*\)\s*$/s.exec(text);
  const found = aggregateFunctions.find((each) => each === match?.[1]);
  if (match === null || found === undefined) {
    const known = aggregateFunctions.map((each) => `${each}(…)`).join(', ');
    throw new GyreError('INVALID_ARGUMENT', `"${text}" is no aggregate: there are ${known}`, { aggregate: text });
  }
  if (match[2] !== '') return { name, function: found, column: match[2] };
  if (found === 'count') return { name, function: found };
  throw new GyreError('INVALID_ARGUMENT', `"${text}" names no column: such as ${found}(amount)`, { aggregate: text });
}

/** By which column rows of the base are joined: the join's own, or the base's key. */
function baseKey(project: Project, source: JoinSource): string {
  const key = source.key ?? project.data[source.join].key;
  if (key === undefined) throw new GyreError('INVALID_ARGUMENT', `"${source.join}" has no key: say in the join by which column with "key"`);
  return key;
}

/** @param project one whose joins were checked */
export function resolveJoin(project: Project, source: JoinSource): ResolvedJoin {
  return {
    base: source.join,
    key: baseKey(project, source),
    ...(source.at === undefined ? {} : { at: source.at }),
    sides: Object.entries(source.with).map(([name, side]) => ({
      name,
      dataset: side.of ?? name,
      key: side.key,
      ...(side.time === undefined ? {} : { time: side.time }),
      ...(side.window === undefined ? {} : { windowMs: parseDuration(side.window) }),
      bounds: side.bounds ?? 'before',
      taken: takenOf(side),
    })),
  };
}

function takenOf(side: JoinSide): Taken {
  if (side.aggregate !== undefined)
    return { kind: 'aggregate', aggregates: Object.entries(side.aggregate).map(([name, text]) => parseAggregate(name, text)) };
  if (side.latest !== undefined) return { kind: 'latest', columns: takenColumns(side.latest) };
  return { kind: 'one', ...(side.columns === undefined ? {} : { columns: takenColumns(side.columns) }) };
}

export function takenColumns(columns: NonNullable<JoinSide['columns']>): readonly TakenColumn[] {
  return Array.isArray(columns)
    ? columns.map((column) => ({ name: column, column }))
    : Object.entries(columns).map(([name, column]) => ({ name, column }));
}
