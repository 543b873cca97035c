import type { ColumnSchema, TableSchema } from '#contract';
import { GyreError } from '#core';
import { accountOf, enumerated, inRule, isRecord, recordOf, shown } from './account.ts';
import type { Account, Notes } from './account.ts';

interface Reading {
  readonly root: Readonly<Record<string, unknown>>;
  /** Up to draft 7 whatever stands beside a reference does not count. */
  readonly isOld: boolean;
  readonly notes: Notes;
  readonly rules: string[];
}

/** What tells something of a value and demands nothing. */
const annotations = ['$schema', '$id', '$anchor', '$comment', '$defs', 'definitions', '$vocabulary'];
const deepest = 50;

/**
 * A JSON Schema (draft 2020-12 or 7) of an object with properties, each a column, or of a list of such objects. A row is such an object, in which
 * a missing value is an absent property or null.
 * @throws GyreError INVALID_ARGUMENT for another schema, a reference to what is not there, a keyword of a wrong type
 */
export function importJsonSchema(value: unknown, notes: Notes): TableSchema {
  const root = recordOf(value, '');
  const draft = typeof root['$schema'] === 'string' ? root['$schema'] : '';
  if (draft !== '' && !/json-schema\.org\/(draft\/2020-12|draft\/2019-09|draft-0[67])\/schema#?$/.test(draft))
    notes.say('$schema', `${draft}: read as draft 2020-12`);
  const reading: Reading = { root, isOld: /draft-0[67]/.test(draft), notes, rules: [] };
  const whole = settled(accountOf(root, ''), reading);
  const rows = whole.take('type') === 'array' || whole.take('items') !== undefined ? whole : undefined;
  const items = rows?.object('items');
  if (rows && items === undefined) throw noObject();
  if (rows?.truth('uniqueItems') === true)
    notes.say('uniqueItems', 'that no row repeats another is the check "duplicate rows" of every quality report');
  for (const name of rows?.rest() ?? []) sayLeft(name, undefined, rows?.at ?? '', notes);
  const row = items === undefined ? whole : settled(items, reading);
  const properties = row.object('properties');
  const type = row.take('type');
  if (properties === undefined || (type !== undefined && type !== 'object' && !(Array.isArray(type) && type.includes('object'))))
    throw noObject();
  const required = new Set(row.list('required') ?? []);
  const names = properties.rest();
  const columns = names.flatMap((name): ColumnSchema[] => {
    const own = properties.take(name);
    if (own === true) return [{ name, type: 'string', ...presenceOf(required.has(name)) }];
    const column = columnOf(name, accountOf(own, `properties.${name}`), required.has(name), reading);
    return column === undefined ? [] : [column];
  });
  for (const name of required)
    if (!names.includes(String(name))) notes.say('required', `${String(name)} is required, and nothing says of which type it is`);
  if (row.take('additionalProperties') !== false)
    notes.say(
      'additionalProperties',
      'further columns are allowed there; here the check "columns" fails for a column that is not in the schema',
    );
  for (const name of ['title', 'description']) row.take(name);
  for (const name of row.rest()) sayLeft(name, undefined, row.at, notes);
  return { columns, ...(reading.rules.length === 0 ? {} : { rules: reading.rules }) };
}

const noObject = (): GyreError =>
  new GyreError(
    'INVALID_ARGUMENT',
    'a JSON Schema of a table is one of an object with "properties", or of a list of such: this one is neither',
  );

const presenceOf = (isRequired: boolean): Pick<ColumnSchema, 'presence'> => (isRequired ? {} : { presence: 'optional' });

const of: Readonly<Record<string, string>> = {
  default: 'a missing value stays one; the transform step imputes',
  examples: 'a column has no examples',
  deprecated: 'a column is not deprecated',
  readOnly: 'of no meaning for a table',
  writeOnly: 'of no meaning for a table',
  if: 'conditions are said by "rules", with "when"',
  patternProperties: 'columns are named one by one',
  propertyNames: 'columns are named one by one',
  dependentRequired: 'conditions between columns are said by "rules"',
};

function sayLeft(name: string, value: unknown, at: string, notes: Notes): void {
  if (annotations.includes(name)) return;
  notes.say(
    at === '' ? name : `${at}.${name}`,
    of[name] ?? `${value === undefined ? '' : `${shown(value)}: `}a reviewed schema has nothing that says this`,
  );
}

/** Follows references within the file, and takes a choice between one schema and null for that schema. */
function settled(account: Account, reading: Reading, depth = 0): Account {
  if (depth > deepest) throw new GyreError('INVALID_ARGUMENT', `${account.at}: references lead back to themselves`, { at: account.at });
  const reference = account.text('$ref');
  if (reference === undefined) return account;
  const beside = account.rest().filter((name) => !annotations.includes(name));
  const found = resolved(reference, account.at, reading.root);
  if (reading.isOld) {
    for (const name of beside) reading.notes.say(`${account.at}.${name}`, 'stands beside a $ref, and does not count up to draft 7');
    return settled(accountOf(found, account.at), reading, depth + 1);
  }
  const own = Object.fromEntries(beside.map((name) => [name, account.take(name)]));
  return settled(accountOf({ ...recordOf(found, reference), ...own }, account.at), reading, depth + 1);
}

function resolved(reference: string, at: string, root: Readonly<Record<string, unknown>>): unknown {
  const steps = reference.startsWith('#/') ? reference.slice(2).split('/') : reference === '#' ? [] : undefined;
  let found: unknown = root;
  for (const step of steps ?? [reference]) {
    const name = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
    found = steps !== undefined && isRecord(found) && Object.hasOwn(found, name) ? found[name] : undefined;
  }
  if (found !== undefined) return found;
  throw new GyreError('INVALID_ARGUMENT', `${at}: "${reference}" is not in this file; references to others are not followed`, {
    reference,
  });
}

/** Of `anyOf: [X, {type: null}]` the X; undefined where the choice is another. */
function choice(account: Account, reading: Reading): { readonly account: Account; readonly isNullable: boolean } {
  for (const word of ['anyOf', 'oneOf', 'allOf'] as const) {
    const branches = account.take(word);
    if (!Array.isArray(branches)) continue;
    const isNull = (each: unknown): boolean => isRecord(each) && each['type'] === 'null';
    const others = word === 'allOf' ? branches : branches.filter((each) => !isNull(each));
    if (others.length !== 1) {
      reading.notes.say(`${account.at}.${word}`, `${branches.length} schemas: a column has one`);
      continue;
    }
    const own = Object.fromEntries(account.rest().map((name) => [name, account.take(name)]));
    const inner = settled(accountOf(others[0], account.at), reading);
    const merged = { ...Object.fromEntries(inner.rest().map((name) => [name, inner.take(name)])), ...own };
    return { account: accountOf(merged, account.at), isNullable: others.length < branches.length };
  }
  return { account, isNullable: false };
}

const jsonTypes = ['integer', 'number', 'boolean', 'string'] as const;

function columnOf(name: string, given: Account, isRequired: boolean, reading: Reading): ColumnSchema | undefined {
  const { notes } = reading;
  const { account, isNullable } = choice(settled(given, reading), reading);
  const written = account.take('type');
  const all = (Array.isArray(written) ? written : written === undefined ? [] : [written]).map(String);
  const types = all.filter((type) => type !== 'null');
  const listed = account.list('enum') ?? (account.take('const') === undefined ? undefined : [account.take('const')]);
  const named = types[0] ?? typeOfValues(listed);
  if (types.includes('object') || types.includes('array')) {
    notes.say(`${account.at}.type`, `${types.join(' or ')}: a cell holds one value; the column is left out`);
    return undefined;
  }
  const known = jsonTypes.find((type) => type === named);
  if (known === undefined) notes.say(`${account.at}.type`, `${named === undefined ? 'no type' : named}: taken for a text`);
  const isBoth = types.length === 2 && types.includes('integer') && types.includes('number');
  if (types.length > 1 && !isBoth) notes.say(`${account.at}.type`, `${types.join(' or ')}: taken for ${known ?? 'string'} alone`);
  const isWhole = known === 'number' && account.take('multipleOf') === 1;
  const column: ColumnSchema = { name, type: isBoth ? 'number' : isWhole ? 'integer' : (known ?? 'string'), ...presenceOf(isRequired) };
  if (isRequired && !isNullable && !all.includes('null') && listed?.includes(null) !== true) column.nullable = false;
  const description = account.text('description') ?? account.text('title');
  account.take('title');
  if (description !== undefined) column.description = description;
  const format = account.text('format');
  if (format === 'date' || format === 'date-time') column.type = 'instant';
  else if (format !== undefined) notes.say(`${account.at}.format`, `${format}: is not judged here; a pattern says what a value looks like`);
  if (listed) takeListed(column, listed, account.at, notes);
  takeLimits(column, account, reading);
  takeTexts(column, account, notes);
  const multiple = account.number('multipleOf');
  if (multiple !== undefined && multiple !== 1)
    notes.say(`${account.at}.multipleOf`, `${multiple}: a reviewed schema has nothing that says this`);
  for (const word of account.rest()) sayLeft(word, account.take(word), account.at, notes);
  return column;
}

function typeOfValues(values: readonly unknown[] | undefined): string | undefined {
  const kinds = new Set(
    (values ?? []).filter((value) => value !== null).map((value) => (Number.isInteger(value) ? 'integer' : typeof value)),
  );
  return kinds.size === 1 ? [...kinds][0] : undefined;
}

function takeListed(column: ColumnSchema, listed: readonly unknown[], at: string, notes: Notes): void {
  const isBoth = column.type === 'boolean' && listed.includes(true) && listed.includes(false);
  const found = enumerated(listed, column.type);
  if (found) Object.assign(column, found);
  else if (!isBoth) notes.say(`${at}.enum`, `${shown(listed)}: of ${column.type} values a range can be said, and no list with gaps`);
}

function takeLimits(column: ColumnSchema, account: Account, { notes, rules }: Reading): void {
  const isNumeric = column.type === 'integer' || column.type === 'number';
  for (const [word, member] of [
    ['minimum', 'min'],
    ['maximum', 'max'],
  ] as const) {
    const limit = account.number(word);
    if (limit === undefined) continue;
    if (isNumeric) column[member] = limit;
    else notes.say(`${account.at}.${word}`, `a ${column.type} column has no ${member}`);
  }
  for (const [word, member, step, sign] of [
    ['exclusiveMinimum', 'min', 1, '>'],
    ['exclusiveMaximum', 'max', -1, '<'],
  ] as const) {
    const limit = account.number(word);
    if (limit === undefined) continue;
    const quoted = inRule(column.name);
    if (column.type === 'integer')
      column[member] =
        step > 0 ? Math.max(column.min ?? -Infinity, Math.floor(limit) + 1) : Math.min(column.max ?? Infinity, Math.ceil(limit) - 1);
    else if (column.type === 'number' && quoted !== undefined) rules.push(`${quoted} ${sign} ${limit}`);
    else notes.say(`${account.at}.${word}`, `a ${column.type} column has no ${member}`);
  }
}

function takeTexts(column: ColumnSchema, account: Account, notes: Notes): void {
  const isText = column.type === 'string';
  for (const member of ['minLength', 'maxLength'] as const) {
    const length = account.number(member);
    if (length === undefined) continue;
    if (isText) column[member] = length;
    else notes.say(`${account.at}.${member}`, `a ${column.type} column has no ${member}`);
  }
  const pattern = account.text('pattern');
  if (pattern === undefined) return;
  if (isText) column.pattern = wholeOf(pattern);
  else notes.say(`${account.at}.pattern`, `a ${column.type} column has no pattern`);
}

/** A pattern for the whole value, from one that is found anywhere in it. */
function wholeOf(pattern: string): string {
  const body = /^\^((?:\\[^]|[^\\|^$])*)\$$/.exec(pattern)?.[1];
  return body ?? `[^]*(?:${pattern})[^]*`;
}
