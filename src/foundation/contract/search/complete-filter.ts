import { datasetKeys, filterGrammars } from './filter-grammars.ts';
import type { Field, FilterGrammar, SearchEntity, SearchKind } from './filter-grammars.ts';
import { filterTokens } from './filter-tokens.ts';
import type { FilterToken } from './filter-tokens.ts';
import { comparatorAt, endOfName, resolveField } from './parse-filter.ts';
import type { FilterField } from './parse-filter.ts';

/** What is there to be named: keys that were logged, and values that they have. */
export interface FilterVocabulary {
  readonly keys?: Readonly<Partial<Record<SearchEntity, readonly string[]>>>;
  readonly valuesOf?: (field: FilterField) => readonly string[];
}

/** What may stand between two offsets of the text; each of the texts as it has to be written, quotes included. */
export interface FilterCompletion {
  readonly kind: 'field' | 'comparator' | 'value' | 'and';
  readonly from: number;
  readonly to: number;
  readonly texts: readonly string[];
}

/** As many as somebody reads. */
const most = 50;

/**
 * What may come next in a filter that is being written.
 * @param cursor an offset; what stands behind it is not looked at, and what stands before it and touches it is replaced
 */
export function completeFilter(kind: SearchKind, text: string, cursor: number, known: FilterVocabulary): FilterCompletion {
  const written = text.slice(0, cursor);
  const grammar = filterGrammars[kind];
  const all = filterTokens(written);
  // An open quote makes everything behind it part of what is being written.
  const open = all.findIndex(({ kind: each, start }) => each === 'other' && `'"\``.includes(written.charAt(start)));
  const tokens = open < 0 ? all : all.slice(0, open);
  const openAt = open < 0 ? undefined : all[open]?.start;
  let at = 0;
  for (;;) {
    const start = tokens[at]?.start ?? openAt ?? cursor;
    const word = wordAt(written, tokens, at);
    if (word === 'AND' && tokens[at]?.end !== cursor) {
      at += 1;
      continue;
    }
    const end = endOfName(tokens, at, grammar.looseNames);
    const stop = tokens[end - 1]?.end;
    if (end === at || stop === cursor || stop === openAt)
      return completion('field', start, cursor, fieldsLike(grammar, written.slice(start), known));
    const field = resolveField(grammar, written.slice(start, stop), start);
    if (!field.ok) return completion('field', start, cursor, []);
    const compared = comparatorAt(written, tokens, end);
    const behind = compared === undefined ? undefined : tokens[compared.next - 1]?.end;
    const from = tokens[end]?.start ?? cursor;
    if (compared === undefined || behind === undefined || (behind === cursor && /\w$/.test(written)))
      return completion('comparator', from, cursor, startingWith(field.value.comparators, written.slice(from)));
    const next = compared.comparator.startsWith('IS ')
      ? { at: compared.next }
      : valueAt(written, tokens, compared.next, { cursor, openAt, isList: compared.comparator.endsWith('IN') });
    if (next.at === undefined) return completion('value', next.from, cursor, valuesLike(field.value, written.slice(next.from), known));
    at = next.at;
    const joint = wordAt(written, tokens, at);
    if (tokens[at] === undefined ? openAt === undefined : tokens[at]?.end === cursor && 'AND'.startsWith(joint ?? ' '))
      return completion('and', tokens[at]?.start ?? cursor, cursor, /\s$/.test(written) || joint !== undefined ? ['AND '] : [' AND ']);
  }
}

/** The index behind a value that is complete, or where the one begins that is being written. */
function valueAt(
  text: string,
  tokens: readonly FilterToken[],
  first: number,
  { cursor, openAt, isList }: { readonly cursor: number; readonly openAt: number | undefined; readonly isList: boolean },
): { readonly at: number } | { readonly at?: undefined; readonly from: number } {
  if (!isList) {
    const token = tokens[first];
    if (token === undefined || (token.end === cursor && token.kind !== 'text' && token.kind !== 'symbol'))
      return { from: token?.start ?? openAt ?? cursor };
    return { at: first + 1 };
  }
  for (let at = first; at < tokens.length; at += 1) if (tokens[at]?.kind === 'close') return { at: at + 1 };
  const last = tokens.at(-1);
  const isWritten = last !== undefined && last.end === cursor && ['word', 'number'].includes(last.kind) && tokens.length > first;
  return { from: openAt ?? (isWritten ? last.start : text.length) };
}

function fieldsLike(grammar: FilterGrammar, typed: string, { keys = {} }: FilterVocabulary): readonly string[] {
  const dot = typed.indexOf('.');
  const prefix = typed.slice(0, Math.max(dot, 0));
  const entity = Object.hasOwn(grammar.entities, prefix) ? grammar.entities[prefix] : undefined;
  if (dot >= 0 && entity === undefined) return [];
  const wanted = withoutOpenQuote(typed.slice(dot + 1));
  const attributes = [...new Set(Object.values(grammar.attributes).map(({ key }) => key))];
  const keysOf = (of: SearchEntity): readonly string[] =>
    of === 'attribute' ? attributes : of === 'dataset' ? datasetKeys : (keys[of] ?? []);
  if (entity !== undefined) return nameLike(keysOf(entity), wanted).map((key) => `${prefix}.${quotedKey(key)}`);
  const names = new Map<SearchEntity, string>();
  for (const [name, each] of Object.entries(grammar.entities)) if (!names.has(each)) names.set(each, name);
  const entities = [...names].filter(([each]) => each !== 'attribute').map(([, name]) => `${name}.`);
  const found = [...names]
    .filter(([each]) => each !== 'attribute')
    .flatMap(([each, name]) => (wanted === '' ? [] : nameLike(keysOf(each), wanted).map((key) => `${name}.${quotedKey(key)}`)));
  return [...nameLike(attributes, wanted), ...startingWith(entities, wanted), ...found];
}

function valuesLike(field: FilterField & Field, typed: string, { valuesOf }: FilterVocabulary): readonly string[] {
  if (field.type === 'number' || field.type === 'integer') return [];
  return nameLike(valuesOf?.(field) ?? [], withoutOpenQuote(typed)).flatMap((value) => {
    const quote = [`'`, `"`].find((each) => !value.includes(each));
    return quote === undefined ? [] : [quote + value + quote];
  });
}

/** A key as it has to be written: as it is, or between quotes that it does not contain. */
function quotedKey(key: string): string {
  const name = `a.${key}`;
  const tokens = filterTokens(name);
  const isPlain = tokens[endOfName(tokens, 0, false) - 1]?.end === name.length && !/['"`\s]|\.$/.test(key);
  const quote = ['`', '"', "'"].find((each) => !key.includes(each)) ?? '`';
  return isPlain ? key : quote + key + quote;
}

function withoutOpenQuote(typed: string): string {
  return /^['"`]/.test(typed) ? typed.slice(1) : typed;
}

/** Those that contain what was typed; first those that begin with it. */
function nameLike(names: readonly string[], typed: string): readonly string[] {
  const wanted = typed.toLowerCase();
  const begin = startingWith(names, typed);
  const contain = names.filter((name) => name.toLowerCase().indexOf(wanted) > 0);
  return [...begin, ...contain];
}

function startingWith<Text extends string>(texts: readonly Text[], typed: string): readonly Text[] {
  return texts.filter((each) => each.toLowerCase().startsWith(typed.toLowerCase()));
}

function wordAt(text: string, tokens: readonly FilterToken[], at: number): string | undefined {
  const token = tokens[at];
  return token?.kind === 'word' ? text.slice(token.start, token.end).toUpperCase() : undefined;
}

function completion(kind: FilterCompletion['kind'], from: number, to: number, texts: readonly string[]): FilterCompletion {
  return { kind, from, to, texts: texts.slice(0, most) };
}
