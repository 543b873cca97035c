import assert from 'node:assert/strict';
import { parseFilter, parseOrderBy } from '#contract';
import type { FilterCondition, SearchOrder } from '#contract';
import type { TrackedRun } from './port.ts';

/*
 * Search done the plain way, run after run, for tests to compare the database's answers with.
 */

const filters = [
  '',
  'metrics.auc > 0.5',
  'metrics.auc >= 0.25 and metrics.auc < 0.75',
  'metrics.auc != 0.5',
  "metrics.`rare metric` = 2 and params.depth = '1'",
  'metrics.unknown > 0',
  "params.depth != '1'",
  "params.depth IS NULL and tags.team = 'a'",
  "tags.team LIKE 'a%'",
  "tags.team ILIKE 'b'",
  "tags.team LIKE 'a_b'",
  "tags.team = 'x%*?[y'",
  "tags.team LIKE 'x%*?[y'",
  "attributes.status = 'FINISHED' and start_time > 1020",
  "attributes.run_name LIKE 'run 1%'",
  "tags.`mlflow.runName` = 'run 1'",
  "user_id != 'user1'",
  'end_time < 2025',
];
const orderings = [
  [],
  ['metrics.auc DESC'],
  ['metrics.auc ASC', 'start_time ASC'],
  ['params.depth'],
  ['tags.team DESC', 'metrics.`rare metric`'],
  ['end_time DESC'],
  ['run_name', 'metrics.auc'],
  ['metrics.unknown'],
];

/** Every filter in the default order, every order without a filter, and some of both. */
export const searchCases = [
  ...filters.flatMap((filter) => [
    { filter, order: [], view: 'active' as const },
    { filter, order: ['metrics.auc DESC'], view: 'all' as const },
  ]),
  ...orderings.flatMap((order) => [
    { filter: '', order, view: 'active' as const },
    { filter: 'metrics.auc > 0.1', order, view: 'all' as const },
    { filter: '', order, view: 'deleted' as const },
  ]),
];

/** Whether a run meets a filter. */
export function matches(run: TrackedRun, filter: string, view: 'active' | 'deleted' | 'all'): boolean {
  if (view !== 'all' && run.lifecycle !== view) return false;
  const parsed = parseFilter('run', filter);
  assert.ok(parsed.ok);
  return parsed.value.every((condition) => holds(valueOf(run, condition), condition));
}

type Value = string | number | undefined;

function valueOf(run: TrackedRun, { entity, key }: Pick<FilterCondition, 'entity' | 'key'>): Value {
  switch (entity) {
    case 'metric':
      return run.metrics.find((metric) => metric.key === key)?.value;
    case 'parameter':
      return run.parameters.find((parameter) => parameter.key === key)?.value;
    case 'tag':
      return run.tags.find((tag) => tag.key === key)?.value;
    default:
      return { start_time: run.startedAt, end_time: run.endedAt, status: run.status, run_name: run.name, user_id: run.user }[key];
  }
}

function holds(value: Value, { comparator, value: wanted }: FilterCondition): boolean {
  if (comparator === 'IS NULL') return value === undefined;
  if (value === undefined) return false;
  if (Number.isNaN(value)) return comparator === '!=';
  switch (comparator) {
    case '=':
      return value === wanted;
    case '!=':
      return value !== wanted;
    case '>':
      return Number(value) > Number(wanted);
    case '>=':
      return Number(value) >= Number(wanted);
    case '<':
      return Number(value) < Number(wanted);
    case 'LIKE':
    case 'ILIKE': {
      const pattern = String(wanted).replaceAll(/[^]/g, (c) => (c === '%' ? '.*' : c === '_' ? '.' : RegExp.escape(c)));
      return new RegExp(`^${pattern}$`, comparator === 'ILIKE' ? 'is' : 's').test(String(value));
    }
    default:
      throw new Error(`the reference has no ${comparator}`);
  }
}

/** Runs in an order: numbers, then those that are none, then runs without; last the newest first, then by id. */
export function sorted(runs: readonly TrackedRun[], order: readonly string[]): TrackedRun[] {
  const parsed = parseOrderBy('run', order);
  assert.ok(parsed.ok);
  const newest: SearchOrder = { entity: 'attribute', key: 'start_time', ascending: false };
  const items = parsed.value.some(({ key }) => key === 'start_time') ? parsed.value : [...parsed.value, newest];
  return [...runs].sort((a, b) => {
    for (const item of items) {
      const [x, y] = [valueOf(a, item), valueOf(b, item)];
      const rank = rankOf(x) - rankOf(y);
      if (rank !== 0) return rank;
      if (x === undefined || y === undefined || x === y || rankOf(x) === 1) continue;
      return (x < y ? -1 : 1) * (item.ascending ? 1 : -1);
    }
    return a.id < b.id ? -1 : 1;
  });
}

const rankOf = (value: Value): number => (value === undefined ? 2 : Number.isNaN(value) ? 1 : 0);
