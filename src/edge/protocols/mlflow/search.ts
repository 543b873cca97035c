import { parseFilter, parseOrderBy } from '#contract';
import type { FilterCondition, SearchKind, SearchOrder } from '#contract';
import { GyreError } from '#core';
import type { LifecycleView } from '#training';
import { invalidValue } from './message.ts';

/** The conditions of a filter. @throws GyreError INVALID_ARGUMENT with what is wrong, and where */
export function conditionsOf(kind: SearchKind, filter: string | undefined): readonly FilterCondition[] {
  const parsed = parseFilter(kind, filter ?? '');
  if (parsed.ok) return parsed.value;
  throw new GyreError('INVALID_ARGUMENT', parsed.message, { at: parsed.at });
}

/** What to order by. @throws GyreError INVALID_ARGUMENT */
export function orderOf(kind: Exclude<SearchKind, 'logged_model'>, items: readonly string[]): readonly SearchOrder[] {
  const parsed = parseOrderBy(kind, items);
  if (parsed.ok) return parsed.value;
  throw new GyreError('INVALID_ARGUMENT', parsed.message, { at: parsed.at });
}

const views: Readonly<Record<string, LifecycleView>> = { ACTIVE_ONLY: 'active', DELETED_ONLY: 'deleted', ALL: 'all' };

/** @throws GyreError INVALID_ARGUMENT */
export function viewOf(type: string | undefined): LifecycleView {
  const view = views[type ?? 'ACTIVE_ONLY'];
  if (view === undefined) throw invalidValue('view_type', type, `It is one of ${Object.keys(views).join(', ')}.`);
  return view;
}

/**
 * How many items a page may have.
 * @param usual where the caller names no number @param most the largest that the protocol allows
 * @throws GyreError INVALID_ARGUMENT
 */
export function limitOf(asked: number | undefined, usual: number, most: number): number {
  const limit = asked ?? usual;
  if (limit >= 1 && limit <= most) return limit;
  throw invalidValue('max_results', limit, `It must be at least 1 and at most ${most}, but got value ${limit}.`);
}
