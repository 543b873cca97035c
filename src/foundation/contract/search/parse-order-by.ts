import { filterGrammars } from './filter-grammars.ts';
import type { SearchKind } from './filter-grammars.ts';
import { filterTokens } from './filter-tokens.ts';
import type { FilterToken } from './filter-tokens.ts';
import { endOfName, resolveName } from './parse-filter.ts';
import type { FilterField, Parsed } from './parse-filter.ts';

/** One key to order by; a later one orders what the earlier ones leave equal. */
export interface SearchOrder extends FilterField {
  readonly ascending: boolean;
}

/** The order of logged models: a metric may be taken on one dataset only. */
export interface LoggedModelOrder extends SearchOrder {
  readonly dataset?: { readonly name?: string; readonly digest?: string };
}

/** An order as clients ask logged models for it. */
export interface LoggedModelOrderBy {
  readonly field_name: string;
  readonly ascending?: boolean;
  readonly dataset_name?: string;
  readonly dataset_digest?: string;
}

/**
 * Reads what to order by, as MLflow's server reads it: names as in a filter, then `asc` (which may be left out) or `desc`.
 * @param items such as `['metrics.loss ASC', 'start_time DESC']`
 * @returns a failure's `at` counts within the item that it quotes
 */
export function parseOrderBy(kind: Exclude<SearchKind, 'logged_model'>, items: readonly string[]): Parsed<readonly SearchOrder[]> {
  const orders: SearchOrder[] = [];
  for (const item of items) {
    const order = readOrder(kind, item);
    if (!order.ok) return order;
    const { entity, key } = order.value;
    // Experiments are the one kind where MLflow lets a field come twice; the second has nothing left to order.
    if (kind !== 'experiment' && orders.some((each) => each.entity === entity && each.key === key))
      return { ok: false, message: `\`order_by\` contains duplicate fields: ${items.join(', ')}`, at: 0 };
    orders.push(order.value);
  }
  return { ok: true, value: orders };
}

function readOrder(kind: Exclude<SearchKind, 'logged_model'>, item: string): Parsed<SearchOrder> {
  const invalid = (at: number): Parsed<never> => ({
    ok: false,
    message: `Invalid order_by clause '${item}'. Could not be parsed.`,
    at,
  });
  const tokens = filterTokens(item);
  const end = endOfName(tokens, 0, false);
  const last = tokens[end - 1];
  const direction = tokens[end];
  if (last === undefined || tokens[0]?.start !== 0) return invalid(0);
  const rest = tokens[end + 1];
  if (rest !== undefined || (direction === undefined ? last.end : direction.end) !== item.length) return invalid(rest?.start ?? last.end);
  const said = direction === undefined ? 'asc' : item.slice(direction.start, direction.end).toLowerCase();
  if (direction !== undefined && direction.start === last.end) return invalid(direction.start);
  if (said !== 'asc' && said !== 'desc')
    return { ok: false, message: `Invalid ordering key in order_by clause '${item}'.`, at: direction?.start ?? 0 };
  // In front of a direction, MLflow takes the quotes off every part, so that "metrics.loss" desc is a metric too.
  const name =
    direction === undefined
      ? item
      : tokens
          .slice(0, end)
          .map((token) => withoutQuotes(item, token))
          .join('');
  const field = resolveName(filterGrammars[kind], filterGrammars[kind].orders, name, 0);
  if (!field.ok) return field;
  const { entity, key } = field.value;
  return { ok: true, value: { entity, key, ascending: said === 'asc' } };
}

function withoutQuotes(item: string, { kind, start, end }: FilterToken): string {
  const quoted = kind === 'symbol' || kind === 'text' || (kind === 'name' && item[start] === '`');
  return quoted ? item.slice(start + 1, end - 1) : item.slice(start, end);
}

/** Reads what to order logged models by: an attribute, or `metrics.` and a key, which needs no quotes. Ascending unless said otherwise. */
export function parseLoggedModelOrderBy(items: readonly LoggedModelOrderBy[]): Parsed<readonly LoggedModelOrder[]> {
  const { orders } = filterGrammars.logged_model;
  const parsed: LoggedModelOrder[] = [];
  for (const { field_name: field, ascending = true, dataset_name: name, dataset_digest: digest } of items) {
    const dot = field.indexOf('.');
    const dataset = { ...(name ? { name } : {}), ...(digest ? { digest } : {}) };
    if (dot < 0) {
      const key = Object.hasOwn(orders.attributes, field) ? orders.attributes[field]?.key : undefined;
      if (key === undefined) return { ok: false, message: `Invalid order by field name: ${field}`, at: 0 };
      parsed.push({ entity: 'attribute', key, ascending });
    } else if (field.slice(0, dot) === 'metrics')
      parsed.push({ entity: 'metric', key: field.slice(dot + 1), ascending, ...(name || digest ? { dataset } : {}) });
    else return { ok: false, message: `Invalid order by field name: ${field}. Only metrics are supported.`, at: 0 };
  }
  return { ok: true, value: parsed };
}
