import type { Project } from '#contract';
import type { DatasetFacts } from './dataset-columns.ts';
import type { Finding, PathStep } from './problems.ts';
import { suggestionFor } from './suggest.ts';

/** What the checks of meaning look at. */
export interface CheckContext {
  readonly project: Project;
  /** Dataset → what is known of its columns. */
  readonly facts: ReadonlyMap<string, DatasetFacts>;
  /** Files that steps name and that are not there. */
  readonly absent?: ReadonlySet<string>;
}

/** A finding when a column is not among a dataset's columns; none when those are not known. */
export function columnFinding(context: CheckContext, dataset: string, column: string, path: readonly PathStep[], atKey = false): Finding[] {
  const columns = context.facts.get(dataset)?.columns;
  if (columns === undefined || columns.includes(column)) return [];
  const suggestion = suggestionFor(column, columns, 'its columns');
  return [{ path, atKey, message: `dataset "${dataset}" has no column "${column}"`, ...(suggestion === undefined ? {} : { suggestion }) }];
}

/** A finding when no dataset has this column; none when the columns of one are not known. */
export function anyColumnFinding(context: CheckContext, column: string, path: readonly PathStep[]): Finding[] {
  const known = [...context.facts.values()].map(({ columns }) => columns);
  if (known.some((columns) => columns === undefined || columns.includes(column))) return [];
  const suggestion = suggestionFor(column, [...new Set(known.flatMap((columns) => columns ?? []))], 'columns');
  return [{ path, message: `no dataset has a column "${column}"`, ...(suggestion === undefined ? {} : { suggestion }) }];
}

/** Runs a parser; what it throws becomes a finding at this place. */
export function parsed<T>(path: readonly PathStep[], parse: () => T): { readonly value: T } | { readonly finding: Finding } {
  try {
    return { value: parse() };
  } catch (error) {
    return { finding: { path, message: error instanceof Error ? error.message : String(error) } };
  }
}

/** Whether YYYY-MM-DD names a day that exists. */
export function isDay(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text)) && new Date(text).toISOString().startsWith(text);
}
