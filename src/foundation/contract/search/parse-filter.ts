import { datasetKeys, filterGrammars } from './filter-grammars.ts';
import type {
  Comparator,
  Field,
  FilterGrammar,
  ListComparator,
  PresenceComparator,
  SearchEntity,
  SearchKind,
  ValueComparator,
} from './filter-grammars.ts';
import { filterTokens } from './filter-tokens.ts';
import type { FilterToken } from './filter-tokens.ts';
import { quotedList } from './quoted-list.ts';

/** One condition of a filter; all of them have to hold. Aliases are resolved: `Created` is `start_time`, `params` is `parameter`. */
export type FilterCondition = FilterField &
  (With<ValueComparator, string | number> | With<ListComparator, readonly string[]> | With<PresenceComparator, null>);

/** One member for each comparator, so that the comparator tells what the value is. */
type With<C extends Comparator, Value> = C extends Comparator ? { readonly comparator: C; readonly value: Value } : never;

/** What a condition or an order is about: a tag of this key, an attribute of this name. */
export interface FilterField {
  readonly entity: SearchEntity;
  readonly key: string;
}

/** What was read, or why it cannot be: what is wrong and where in the text, in UTF-16 units. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | ParseFailure;
export interface ParseFailure {
  readonly ok: false;
  readonly message: string;
  readonly at: number;
}

/**
 * Reads a filter as MLflow's server reads it (docs/decisions/0055 names the differences).
 * @param kind whose grammar holds
 * @param text such as ``metrics.loss < 0.1 AND tags.`git branch` LIKE 'release/%'``; an empty one has no conditions
 */
export function parseFilter(kind: SearchKind, text: string): Parsed<readonly FilterCondition[]> {
  if (text === '') return { ok: true, value: [] };
  const tokens = filterTokens(text);
  if (tokens.length === 0) return { ok: false, message: `Invalid filter '${text}'. Could not be parsed.`, at: 0 };
  const conditions: FilterCondition[] = [];
  let at = 0;
  let joined = true;
  while (at < tokens.length) {
    const token = tokens[at];
    if (token !== undefined && wordOf(text, token) === 'AND') {
      joined = true;
      at += 1;
      continue;
    }
    const condition = readCondition(filterGrammars[kind], text, tokens, at);
    if (!condition.ok) return condition;
    const { comparator } = condition.value.condition;
    if (!joined && (comparator.startsWith('IS') || comparator.endsWith('IN')))
      return { ok: false, message: `Invalid clause(s) in filter string: expected AND before this condition`, at: token?.start ?? 0 };
    conditions.push(condition.value.condition);
    joined = false;
    at = condition.value.next;
  }
  return { ok: true, value: conditions };
}

function readCondition(
  grammar: FilterGrammar,
  text: string,
  tokens: readonly FilterToken[],
  at: number,
): Parsed<{ readonly condition: FilterCondition; readonly next: number }> {
  const start = tokens[at]?.start ?? text.length;
  const end = endOfName(tokens, at, grammar.looseNames);
  if (end === at) return failed(`Invalid clause(s) in filter string: '${tokenText(text, tokens[at])}'`, start);
  const compared = comparatorAt(text, tokens, end);
  if (compared === undefined) {
    const stop = tokens[end]?.start ?? text.length;
    return failed(
      `Invalid clause(s) in filter string: '${text.slice(start, tokens[end - 1]?.end)}'. Expected a comparison such as = or LIKE`,
      stop,
    );
  }
  const field = resolveField(grammar, text.slice(start, tokens[end - 1]?.end), start);
  if (!field.ok) return field;
  const { key, entity, type, comparators } = field.value;
  const { comparator, next } = compared;
  const known = comparators.find((each) => each === comparator);
  if (known === undefined)
    return failed(
      `Invalid comparator '${comparator}' for ${entity} '${key}', not one of '${comparators.join("', '")}'`,
      tokens[end]?.start ?? start,
    );
  if (known === 'IS NULL' || known === 'IS NOT NULL')
    return { ok: true, value: { condition: { entity, key, comparator: known, value: null }, next } };
  if (known === 'IN' || known === 'NOT IN') {
    const list = readList(text, tokens, next, type);
    if (!list.ok) return list;
    return { ok: true, value: { condition: { entity, key, comparator: known, value: list.value.values }, next: list.value.next } };
  }
  const value = readValue(text, tokens, next, { entity, key, type });
  if (!value.ok) return value;
  return { ok: true, value: { condition: { entity, key, comparator: known, value: value.value.value }, next: value.value.next } };
}

/**
 * The index behind a name that begins at a token: parts joined by dots or `::`, with nothing between them, then indices.
 * @param loose may operators join parts, too?
 * @returns the index itself where no name begins
 */
export function endOfName(tokens: readonly FilterToken[], at: number, loose: boolean): number {
  const first = tokens[at];
  if (first === undefined || !isPart(first)) return at;
  let end = at + 1;
  for (let token = tokens[end]; token !== undefined && token.start === tokens[end - 1]?.end; token = tokens[end]) {
    const before = tokens[end - 1]?.kind;
    const joins = ['joint', 'cast', 'index'].includes(token.kind) || (loose && token.kind === 'operator');
    const follows =
      (before === 'joint' && (isPart(token) || token.kind === 'text')) ||
      ((before === 'cast' || before === 'operator') && (isPart(token) || token.kind === 'text' || token.kind === 'number'));
    if (!joins && !follows) break;
    end += 1;
  }
  return tokens[end - 1]?.kind === 'operator' ? end - 1 : end;
}

function isPart({ kind }: FilterToken): boolean {
  return kind === 'word' || kind === 'name' || kind === 'symbol';
}

export function comparatorAt(
  text: string,
  tokens: readonly FilterToken[],
  at: number,
): { readonly comparator: string; readonly next: number } | undefined {
  const token = tokens[at];
  if (token === undefined) return undefined;
  if (token.kind === 'comparator') return { comparator: tokenText(text, token), next: at + 1 };
  const words = [0, 1, 2].map((ahead) => wordOf(text, tokens[at + ahead]) ?? '');
  for (const comparator of wordComparators) {
    const parts = comparator.split(' ');
    if (parts.every((part, index) => words[index] === part)) return { comparator, next: at + parts.length };
  }
  return undefined;
}

const wordComparators: readonly Comparator[] = ['LIKE', 'ILIKE', 'IN', 'NOT IN', 'IS NULL', 'IS NOT NULL'];

export function resolveField(grammar: FilterGrammar, name: string, at: number): Parsed<FilterField & Field> {
  const resolved = resolveName(grammar, grammar, name, at);
  if (!resolved.ok) return resolved;
  const { entity, key, attribute } = resolved.value;
  const field = attribute ?? grammar.keyed[entity];
  if (field === undefined) return failed(`Invalid entity type '${entity}'`, at);
  if (entity === 'dataset' && !datasetKeys.includes(key))
    return failed(`Invalid dataset key '${key}' specified. Valid keys are '${datasetKeys.join("', '")}'`, at);
  return { ok: true, value: { entity, key, type: field.type, comparators: field.comparators } };
}

/**
 * What a name such as ``tags.`git branch` `` stands for.
 * @param names the names of entities and attributes that are accepted here
 * @param at where the name begins, for the failure
 * @returns `attribute` is the entry of its name in `names`, where the name is one of an attribute
 */
export function resolveName<Attribute extends { readonly key: string }>(
  { quotedEntities }: Pick<FilterGrammar, 'quotedEntities'>,
  names: { readonly entities: FilterGrammar['entities']; readonly attributes: Readonly<Record<string, Attribute>> },
  name: string,
  at: number,
): Parsed<FilterField & { readonly attribute?: Attribute }> {
  const dot = name.indexOf('.');
  const said = quotedEntities ? trimmed(name.slice(0, Math.max(dot, 0)), '`') : name.slice(0, Math.max(dot, 0));
  const entity = dot < 0 ? 'attribute' : own(names.entities, said);
  if (entity === undefined)
    return failed(`Invalid entity type '${said}'. Valid values are ['${Object.keys(names.entities).join("', '")}']`, at);
  const key = unquoted(name.slice(dot + 1));
  if (key === '') return failed(`Invalid identifier '${name}': a key is missing behind the dot`, at + dot + 1);
  if (entity !== 'attribute') return { ok: true, value: { entity, key } };
  const attribute = own(names.attributes, key);
  if (attribute === undefined)
    return failed(`Invalid attribute key '${key}' specified. Valid keys are '${Object.keys(names.attributes).join("', '")}'`, at);
  return { ok: true, value: { entity, key: attribute.key, attribute } };
}

function readList(
  text: string,
  tokens: readonly FilterToken[],
  at: number,
  type: Field['type'],
): Parsed<{ readonly values: readonly string[]; readonly next: number }> {
  const start = tokens[at]?.start ?? text.length;
  const close = tokens[at]?.kind === 'open' ? endOfParentheses(tokens, at) : undefined;
  if (close === undefined) return failed(`Invalid clause(s) in filter string: expected a list of quoted values such as ('a', 'b')`, start);
  const list = quotedList(text.slice(start, tokens[close]?.end));
  if (!list.ok) return failed(list.message, start + list.at);
  if (type !== 'id') return { ok: true, value: { values: list.values, next: close + 1 } };
  const ids = list.values.map((value) => wholeNumber(value));
  const wrong = ids.indexOf(undefined);
  if (wrong >= 0) return failed(invalidId(list.values[wrong] ?? ''), start);
  return { ok: true, value: { values: ids.filter((id) => id !== undefined), next: close + 1 } };
}

function endOfParentheses(tokens: readonly FilterToken[], open: number): number | undefined {
  let depth = 0;
  for (let at = open; at < tokens.length; at += 1) {
    if (tokens[at]?.kind === 'open') depth += 1;
    if (tokens[at]?.kind === 'close') depth -= 1;
    if (depth === 0) return at;
  }
  return undefined;
}

function readValue(
  text: string,
  tokens: readonly FilterToken[],
  at: number,
  { entity, key, type }: FilterField & { readonly type: Field['type'] },
): Parsed<{ readonly value: string | number; readonly next: number }> {
  const token = tokens[at];
  const start = token?.start ?? text.length;
  const name = endOfName(tokens, at, false);
  const next = Math.max(name, at + 1);
  const said = token === undefined ? '' : text.slice(start, tokens[next - 1]?.end);
  const done = (value: string | number): Parsed<{ readonly value: string | number; readonly next: number }> => ({
    ok: true,
    value: { value, next },
  });
  if (type === 'number' || type === 'integer' || (type === 'integer-or-text' && token?.kind === 'number')) {
    if (token?.kind !== 'number') return failed(`Expected numeric value type for ${entity} '${key}'. Found ${said || 'nothing'}`, start);
    if (type !== 'number' && !/^-?\d+$/.test(said)) return failed(`Invalid value for numeric attribute '${key}': ${said}`, start);
    return done(Number(said));
  }
  const quotedBy = token?.kind === 'text' ? "'" : '"';
  const quoted = token !== undefined && (token.kind === 'text' || token.kind === 'symbol') && isQuoted(said, quotedBy);
  if (type === 'loose-text' && token !== undefined) {
    if (quoted) return done(token.kind === 'text' ? said.replace(/^'+|'+$/g, '') : said.slice(1, -1));
    if (token.kind === 'number' || name > at) return done(trimmed(said, '`'));
  }
  if (!quoted)
    return failed(`Expected a quoted string value for ${entity} '${key}' (e.g. 'my-value'). Got value ${said || 'nothing'}`, start);
  const value = said.slice(1, -1);
  if (type === 'text' || type === 'loose-text') return done(value);
  const whole = wholeNumber(value);
  if (whole === undefined)
    return failed(type === 'id' ? invalidId(value) : `Invalid value for numeric attribute '${key}': '${value}'`, start);
  return done(type === 'id' ? whole : Number(whole));
}

/** The digits of a whole number, as Python's `int` reads it from a text; no id or version has more than a hundred. */
function wholeNumber(value: string): string | undefined {
  if (value.length > 100) return undefined;
  const [, sign, digits] = /^\s*([+-]?)(\d+(?:_\d+)*)\s*$/.exec(value) ?? [];
  return digits === undefined ? undefined : String(BigInt(digits.replaceAll('_', '')) * (sign === '-' ? -1n : 1n));
}

function invalidId(value: string): string {
  return `Invalid experiment ID '${value}'. Experiment ID must be a valid integer.`;
}

function wordOf(text: string, token: FilterToken | undefined): string | undefined {
  return token?.kind === 'word' ? tokenText(text, token).toUpperCase() : undefined;
}

function tokenText(text: string, token: FilterToken | undefined): string {
  return token === undefined ? '' : text.slice(token.start, token.end);
}

/** Without the quotes around it: first single or double ones, then backticks. */
function unquoted(key: string): string {
  return trimmed(isQuoted(key, "'") || isQuoted(key, '"') ? key.slice(1, -1) : key, '`');
}

function trimmed(value: string, quote: string): string {
  return isQuoted(value, quote) ? value.slice(1, -1) : value;
}

function isQuoted(value: string, quote: string): boolean {
  return value.length >= 2 && value.startsWith(quote) && value.endsWith(quote);
}

/** A table is asked for its own entries only: `constructor` is no entity. */
function own<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

function failed(message: string, at: number): ParseFailure {
  return { ok: false, message, at };
}
