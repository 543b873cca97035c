import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { parseFilter, parseLoggedModelOrderBy, parseOrderBy, searchKinds } from '#contract';
import type { LoggedModelOrderBy, SearchKind } from '#contract';
import { seeded } from '#core';
import { pythonMissing, runPython } from './python.ts';

type Answer = { readonly ok: readonly unknown[] } | { readonly error: string; readonly crash: boolean };
interface Peer {
  readonly filters: readonly Answer[];
  readonly orders: readonly Answer[];
}

const random = seeded(2026);
const one = <T>(values: readonly [T, ...(readonly T[])]): T => values[random.int(values.length)] ?? values[0];

const keys = [
  'loss',
  'val.loss',
  'lr',
  'p0',
  '_x',
  '5fold',
  '`git branch`',
  '`a.b/c-d`',
  '"top 5"',
  "'it is'",
  'ß',
  '名前',
  'é_1',
  'mlflow.user',
  '`mlflow.source.name`',
  'team::owner',
  'loss[0]',
  '`ümlaut`',
  'a$b',
  '_a$b',
  'order',
  'from',
  'name',
  'digest',
  'context',
  '`name`',
  'status',
  '@owner',
  'learning-rate',
  '12a',
] as const;
const attributes = {
  run: ['run_id', 'run_name', 'status', 'start_time', 'end_time', 'user_id', 'artifact_uri', 'created', 'Created', '`Run Name`', 'nothing'],
  experiment: ['name', 'experiment_id', 'creation_time', 'last_update_time', 'lifecycle_stage'],
  registered_model: ['name', 'timestamp', 'last_updated_timestamp', 'creation_timestamp'],
  model_version: ['name', 'version_number', 'run_id', 'source_path', 'creation_timestamp', 'last_updated_timestamp', 'version'],
  logged_model: ['name', 'model_id', 'model_type', 'status', 'creation_time', 'creation_timestamp', 'last_updated_timestamp_ms', 'nothing'],
} as const;
const prefixes = {
  run: [
    'metrics',
    'metric',
    'params',
    'param',
    'parameter',
    'parameters',
    'tags',
    'tag',
    'attribute',
    'attributes',
    'attr',
    'run',
    'dataset',
    'datasets',
    '`tags`',
    '"tags"',
    'Tags',
    'foo',
  ],
  experiment: ['tag', 'tags', 'attribute', 'attributes', 'metrics'],
  registered_model: ['tag', 'tags', 'attribute', 'attributes', 'metrics'],
  model_version: ['tag', 'tags', 'attribute', 'attributes', 'params'],
  logged_model: ['tags', 'params', 'metrics', 'attributes', 'tag', 'Params'],
} as const;
/** How many of these names belong to the kind's grammar: the first ones. */
const usual = { run: 14, experiment: 3, registered_model: 3, model_version: 3, logged_model: 4 } as const;
const usualAttributes = { run: 10, experiment: 4, registered_model: 1, model_version: 4, logged_model: 7 } as const;
const comparators = ['=', '!=', '>', '>=', '<', '<=', 'LIKE', 'ILIKE', 'like', 'Ilike', '==', '<>', 'NOT LIKE', 'RLIKE', '=~'] as const;
const numericComparators = ['=', '!=', '>', '>=', '<', '<='] as const;
const textComparators = ['=', '!=', 'LIKE', 'ILIKE', 'like'] as const;
const numbers = [
  '1',
  '0.5',
  '.5',
  '5.',
  '-3',
  '-0.25',
  '1e5',
  '1.5E-3',
  '-2e10',
  '0',
  '1700000000000',
  '1e+5',
  '0x10',
  '+5',
  '1_0',
  '12a',
] as const;
const texts = [
  "'a'",
  '"a"',
  "''",
  '""',
  "'it''s'",
  "'it\\'s'",
  `"say \\"hi\\""`,
  "'C:\\'",
  "'a b%_'",
  "'ünï 名 🎈'",
  "'AND'",
  "'12'",
  "'3'",
  '`a`',
  'abc',
  "'open",
  "'a'.'b'",
  '"a"."b"',
  'NULL',
] as const;
const lists = [
  "('a')",
  "('a', 'b')",
  `('a',"b")`,
  "( 'a' ,'b', )",
  "('1','2')",
  "('it\\'s')",
  "('it''s', 'x')",
  "('a\\n\\x41\\u00e9\\q')",
  "('a' 'b')",
  '()',
  '(1, 2)',
  "('a', 1)",
  "('a' 1)",
  "('a',,'b')",
  '(a)',
  "(('a'))",
  "('名')",
  "'a'",
  "['a']",
] as const;

interface Fitting {
  readonly name: string;
  readonly values: 'numbers' | 'texts';
}

/** A name of the kind's grammar, in one case of eight any name. */
function field(kind: SearchKind): Fitting {
  const wild = random.next() < 0.12;
  const prefix = one<string>(wild ? prefixes[kind] : (prefixes[kind].slice(0, usual[kind]) as ['tags']));
  const attribute = one<string>(wild ? attributes[kind] : (attributes[kind].slice(0, usualAttributes[kind]) as ['name']));
  const isAttribute = random.next() < 0.4 || /^(?:attr|run$)/.test(prefix);
  const key = isAttribute ? attribute : prefix.startsWith('dataset') && !wild ? one(['name', 'digest', 'context']) : one<string>(keys);
  const numeric = isAttribute ? /time|version_number|created/i.test(attribute) : prefix.startsWith('metric');
  const name = isAttribute && random.next() < 0.6 ? key : `${prefix}.${key}`;
  return { name, values: numeric !== random.next() < 0.05 ? 'numbers' : 'texts' };
}

function comparison(kind: SearchKind): string {
  const { name, values } = field(kind);
  const gap = (): string => one(['', ' ', ' ', ' ', '  ', '\n']);
  const form = random.next();
  if (form < 0.12 || (form < 0.4 && /run_id|experiment_id|dataset/.test(name)))
    return `${name} ${one(['IN', 'IN', 'in', 'NOT IN', 'not  in'])}${gap()}${one(lists)}`;
  if (form < 0.18) return `${name} ${one(['IS NULL', 'is null', 'IS NOT NULL', 'is Not Null', 'IS', 'IS 1'])}`;
  const comparator = random.next() < 0.1 ? one(comparators) : one(values === 'numbers' ? numericComparators : textComparators);
  const space = /[a-z]/i.test(comparator) ? ' ' : gap();
  const value = random.next() < 0.03 ? one(lists) : values === 'numbers' ? one(numbers) : one(texts);
  return `${name}${space}${comparator}${space}${value}`;
}

/** One to three comparisons; in half of the filters a character or a word is then lost, doubled or put in. */
function filter(kind: SearchKind): string {
  const joint = (): string => one([' AND ', ' AND ', ' AND ', ' and ', '\nAND\t', ' and ', ' OR ', ' ', ' AND AND ']);
  const parts = Array.from({ length: 1 + random.int(3) }, () => comparison(kind));
  let text = parts[0] ?? '';
  for (const part of parts.slice(1)) text += joint() + part;
  if (random.next() < 0.08) text = one(['AND ', ' ', 'x ', '(']) + text;
  if (random.next() < 0.08) text += one([' AND', ' ', ';', ')', ' x', ' -- x', '; metrics.a = 1']);
  return random.next() < 0.3 ? mutated(text) : text;
}

function mutated(text: string): string {
  const characters = Array.from(text);
  const at = random.int(characters.length);
  const marks = ["'", '"', '`', '.', ' ', '(', ')', ',', '=', '\\', '-', '5', 'x', '%', '[', ']', 'é', '🎈', '/', ':'] as const;
  const how = random.int(3);
  if (how === 0) characters.splice(at, 1);
  else if (how === 1) characters.splice(at, 0, one(marks));
  else characters.splice(at, 1, one(marks));
  return characters.join('');
}

function order(kind: SearchKind): string {
  const direction = one([
    '',
    '',
    ' ASC',
    ' desc',
    ' DESC',
    ' Asc',
    '  desc',
    ' up',
    'DESC',
    ' DESC NULLS LAST',
    ' asc desc',
    ' desc ',
    '\tdesc',
  ]);
  const text = (random.next() < 0.5 ? one<string>(attributes[kind]) : field(kind).name) + direction;
  return random.next() < 0.2 ? mutated(text) : text;
}

function loggedModelOrder(): LoggedModelOrderBy {
  const name = one(['metrics.loss', 'metrics.a.b', 'metrics.a b', 'params.x', 'tags.x', 'metric.x', ...attributes.logged_model]);
  const ascending = one([true, false, undefined]);
  const dataset = one(['train', '', undefined, undefined]);
  return {
    field_name: name,
    ...(ascending === undefined ? {} : { ascending }),
    ...(dataset === undefined ? {} : { dataset_name: dataset, dataset_digest: one(['abc', '']) }),
  };
}

const filters = searchKinds.flatMap((kind) => Array.from({ length: 2_000 }, () => [kind, filter(kind)] as const));
const orders = searchKinds.flatMap((kind) =>
  Array.from({ length: 500 }, (): readonly [SearchKind, readonly (string | LoggedModelOrderBy)[]] => [
    kind,
    Array.from({ length: 1 + random.int(2) }, () => (kind === 'logged_model' ? loggedModelOrder() : order(kind))),
  ]),
);

function ours(kind: SearchKind, text: string): Answer {
  const parsed = parseFilter(kind, text);
  if (!parsed.ok) return { error: parsed.message, crash: false };
  return { ok: parsed.value.map(({ entity, key, comparator, value }) => [entity, key, comparator, value]) };
}

function oursOrdered(kind: SearchKind, items: readonly (string | LoggedModelOrderBy)[]): Answer {
  if (kind !== 'logged_model') {
    const parsed = parseOrderBy(
      kind,
      items.filter((item) => typeof item === 'string'),
    );
    return parsed.ok
      ? { ok: parsed.value.map((each) => [each.entity, each.key, each.ascending]) }
      : { error: parsed.message, crash: false };
  }
  const parsed = parseLoggedModelOrderBy(items.filter((item) => typeof item !== 'string'));
  if (!parsed.ok) return { error: parsed.message, crash: false };
  return {
    ok: parsed.value.map(({ entity, key, ascending, dataset }) => [entity, key, ascending, dataset?.name ?? null, dataset?.digest ?? null]),
  };
}

interface Case {
  readonly kind: SearchKind;
  readonly text: string;
  readonly theirs: Answer;
}

/** What docs/decisions/0055 says is meant to differ, by how it shows. */
const differences: Readonly<Record<string, (asked: Case) => boolean>> = {
  'their server fails': ({ theirs }) => 'crash' in theirs && theirs.crash,
  'a list goes with IN only': ({ text, theirs }) => 'ok' in theirs && /(?:=|like)\s*\(/i.test(text),
  'a list in parentheses of its own is none': ({ text }) => text.includes('(('),
  'a comparison is not swallowed by the next one where AND is missing': ({ theirs }) =>
    'ok' in theirs && theirs.ok.some((condition) => /[=<>]| r?i?like /i.test(String(Array.isArray(condition) ? condition[1] : ''))),
  'no white space within a name': ({ text }) => /\s(?:\.|::)|(?:\.|::)\s/.test(text),
  'a key must not be empty': ({ text }) => /(?:metrics?|params?|parameters?|tags?)\.\s*(?:[=!<>(]|like|ilike|in|not|is)/i.test(text),
  'an attribute may be quoted': ({ text, theirs }) => 'error' in theirs && /`(?:name|run_id|version_number)`/.test(text),
  'a key behind the word parameter may begin with a digit': ({ text }) => /parameters?\.\d/.test(text),
  'experiments take words in small letters, too': ({ kind, theirs }) =>
    kind === 'experiment' && 'error' in theirs && /omparator/.test(theirs.error),
  'a key with :: may be ordered by': ({ text }) => text.includes('::'),
  'a tag named as an attribute orders nothing': ({ kind, text }) => kind === 'model_version' && /tags?\./.test(text),
  'a direction stands apart': ({ text }) => /[`"'\]]DESC/.test(text),
  'logged models: quotes are no part of a key or a value': ({ kind, text }) => kind === 'logged_model' && /["`]|\.'|'-'/.test(text),
  'logged models: a list has quoted texts': ({ kind, text }) => kind === 'logged_model' && /in\s*(?:\(\)|\([^)]*\b1)/i.test(text),
  'logged models: a key with marks goes with IN': ({ kind, text }) =>
    kind === 'logged_model' && /learning-rate\s+(?:not\s+)?in\b|%s/i.test(text),
  'logged models: a number is one that is written in digits': ({ kind, text }) => kind === 'logged_model' && /1e\+5|1_0|0x10/.test(text),
};

/** @returns how many were accepted by both with the same outcome, and what differs without being meant to */
function compared(cases: readonly (Case & { readonly ours: Answer })[]): {
  readonly accepted: number;
  readonly unmeant: readonly string[];
} {
  let accepted = 0;
  const unmeant: string[] = [];
  for (const each of cases) {
    const { kind, text, ours: mine, theirs } = each;
    const [left, right] = [mine, theirs].map((answer) => ('ok' in answer ? JSON.stringify(answer.ok) : 'refused'));
    if (left === right) accepted += left === 'refused' ? 0 : 1;
    else {
      const meant = Object.values(differences).some((applies) => applies(each));
      if (!meant) unmeant.push(`${kind}: ${text}\n  ours ${JSON.stringify(mine)}\n  theirs ${JSON.stringify(theirs)}`);
    }
  }
  return { accepted, unmeant };
}

describe('the search grammar of MLflow’s server', { skip: pythonMissing }, () => {
  let peer: Peer;
  before(async () => {
    peer = await runPython<Peer>('search_grammar_peer.py', { filters, orders });
  });
  const refused: Answer = { error: 'no answer', crash: false };

  test('gives the same conditions for thousands of filters, valid and nearly valid', () => {
    const cases = filters.map(([kind, text], index) => ({ kind, text, ours: ours(kind, text), theirs: peer.filters[index] ?? refused }));
    const { accepted, unmeant } = compared(cases);
    assert.deepEqual(unmeant, []);
    assert.ok(accepted > 1_000, `only ${accepted} of ${filters.length} were accepted by both`);
  });

  test('gives the same orders', () => {
    const cases = orders.map(([kind, items], index) => ({
      kind,
      text: JSON.stringify(items),
      ours: oursOrdered(kind, items),
      theirs: peer.orders[index] ?? refused,
    }));
    const { accepted, unmeant } = compared(cases);
    assert.deepEqual(unmeant, []);
    assert.ok(accepted > 400, `only ${accepted} of ${orders.length} were accepted by both`);
  });
});
