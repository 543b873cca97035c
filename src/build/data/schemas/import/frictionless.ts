import type { ColumnSchema, TableSchema } from '#contract';
import { GyreError } from '#core';
import { accountOf, enumerated, isMoment, isRecord, recordOf, shown } from './account.ts';
import type { Account, Notes } from './account.ts';

const types = {
  string: 'string',
  number: 'number',
  integer: 'integer',
  boolean: 'boolean',
  date: 'instant',
  datetime: 'instant',
  year: 'integer',
} as const;
const datasetName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/**
 * A Table Schema of Frictionless Data (versions 1 and 2), a resource that holds one, or a package with resources.
 * @param resource which of a package's resources @throws GyreError INVALID_ARGUMENT
 */
export function importFrictionless(value: unknown, notes: Notes, resource?: string): TableSchema {
  const schema = schemaOf(value, notes, resource);
  const fields = schema.list('fields') ?? [];
  if (fields.length === 0) throw new GyreError('INVALID_ARGUMENT', `${schema.at === '' ? 'the schema' : schema.at} has no fields`);
  const columns = fields.map((field, index) => columnOf(accountOf(field, `fields[${index}]`), notes));
  const found: TableSchema = { columns };
  const keys: string[][] = [];
  const primary = namesIn(schema.take('primaryKey'), 'primaryKey');
  for (const name of primary) columnNamed(columns, name, 'primaryKey').nullable = false;
  if (primary.length === 1) columnNamed(columns, primary[0], 'primaryKey').unique = true;
  if (primary.length > 1) keys.push(primary);
  for (const key of schema.list('uniqueKeys') ?? []) {
    const names = namesIn(key, 'uniqueKeys');
    for (const name of names) columnNamed(columns, name, 'uniqueKeys');
    if (names.length === 1) columnNamed(columns, names[0], 'uniqueKeys').unique = true;
    else keys.push(names);
  }
  if (keys.length > 0) found.keys = keys;
  for (const [index, key] of (schema.list('foreignKeys') ?? []).entries())
    takeForeignKey(found, accountOf(key, `foreignKeys[${index}]`), notes);
  const missing = (schema.list('missingValues') ?? ['']).map((text) => (isRecord(text) ? text['value'] : text));
  const others = missing.filter((text) => text !== '');
  if (others.length > 0)
    notes.say(
      'missingValues',
      `${others.map(shown).join(', ')}: what stands for a missing value is said where the file is read, in gyre.yaml: dialect: { missing: [${others.map(shown).join(', ')}] }`,
    );
  if (!missing.includes('')) notes.say('missingValues', 'a blank field always is a missing value here');
  const match = schema.take('fieldsMatch');
  if (match !== undefined && match !== 'exact' && !(Array.isArray(match) && match[0] === 'exact'))
    notes.say('fieldsMatch', `${shown(match)}: columns are found by their names, and the schema has all of them`);
  for (const name of schema.rest()) if (!annotations.has(name)) notes.say(name, 'a reviewed schema has nothing that says this');
  return found;
}

const annotations = new Set(['$schema', 'name', 'title', 'description', 'profile']);

/** The schema itself, or that of a resource. */
function schemaOf(value: unknown, notes: Notes, wanted: string | undefined): Account {
  const given = accountOf(value, '');
  const resources = given.list('resources');
  if (resources === undefined) {
    const inner = given.take('schema');
    if (inner === undefined) return accountOf(value, '');
    if (typeof inner === 'string') throw elsewhere('schema', inner);
    return sayResource(given, accountOf(inner, 'schema'), notes);
  }
  const named = resources.map((each, index) => ({ index, record: recordOf(each, `resources[${index}]`) }));
  const names = named.map(({ record }) => String(record['name']));
  const found = wanted === undefined ? (named.length === 1 ? named[0] : undefined) : named.find(({ record }) => record['name'] === wanted);
  if (found === undefined)
    throw new GyreError(
      'INVALID_ARGUMENT',
      `the package has the resources ${names.join(', ')}: say which with its name${wanted === undefined ? '' : `; there is no "${wanted}"`}`,
    );
  const at = `resources[${found.index}]`;
  const resource = accountOf(found.record, at);
  const inner = resource.take('schema');
  if (typeof inner === 'string') throw elsewhere(`${at}.schema`, inner);
  return sayResource(resource, accountOf(inner, `${at}.schema`), notes);
}

function sayResource(resource: Account, schema: Account, notes: Notes): Account {
  if (resource.take('dialect') !== undefined)
    notes.say('dialect', 'how the text is written is said where the file is read, in gyre.yaml: source and dialect');
  // the rest of a resource says where its bytes are, and nothing of the rows
  resource.rest();
  return schema;
}

const elsewhere = (at: string, path: string): GyreError =>
  new GyreError('INVALID_ARGUMENT', `${at} is in another file, ${path}: import that one`, { at, path });

function namesIn(value: unknown, at: string): string[] {
  const names = value === undefined ? [] : Array.isArray(value) ? value : [value];
  if (names.every((name) => typeof name === 'string')) return names;
  throw new GyreError('INVALID_ARGUMENT', `${at}: names of fields are needed`, { at });
}

function columnNamed(columns: readonly ColumnSchema[], name: string, at: string): ColumnSchema {
  const found = columns.find((column) => column.name === name);
  if (found !== undefined) return found;
  throw new GyreError(
    'INVALID_ARGUMENT',
    `${at}: there is no field "${name}"; the fields are ${columns.map((column) => column.name).join(', ')}`,
  );
}

function columnOf(field: Account, notes: Notes): ColumnSchema {
  const name = field.text('name');
  if (name === undefined || name === '') throw new GyreError('INVALID_ARGUMENT', `${field.at} has no name`, { at: field.at });
  const at = `field "${name}"`;
  const written = field.text('type') ?? 'string';
  const known = Object.hasOwn(types, written) ? types[written as keyof typeof types] : undefined;
  if (known === undefined) notes.say(`${at}.type`, `${written}: taken for a text`);
  const column: ColumnSchema = { name, type: known ?? 'string' };
  const description = field.text('description') ?? field.text('title');
  field.take('title');
  if (description !== undefined) column.description = description;
  takeFormat(column, field, at, notes);
  takeConstraints(column, field.object('constraints'), at, notes);
  const categories = field.list('categories');
  if (categories)
    takeListed(
      column,
      categories.map((each) => (isRecord(each) ? each['value'] : each)),
      `${at}.categories`,
      notes,
    );
  const of: Readonly<Record<string, string>> = {
    missingValues: 'what stands for a missing value is said for the whole table, in gyre.yaml: dialect: { missing: [...] }',
    trueValues: 'truths are read as true and false; say type: string and categories for other words',
    falseValues: 'truths are read as true and false; say type: string and categories for other words',
    decimalChar: 'said where the file is read, in gyre.yaml: dialect: { decimal: "," }',
    groupChar: 'signs between thousands are not read as such',
    bareNumber: 'numbers with other signs around them are not read as such',
    categoriesOrdered: 'categories have no order here',
    example: 'a column has no examples',
    rdfType: 'what a column means is said by its description',
  };
  for (const each of field.rest()) notes.say(`${at}.${each}`, of[each] ?? 'a reviewed schema has nothing that says this');
  return column;
}

function takeFormat(column: ColumnSchema, field: Account, at: string, notes: Notes): void {
  const format = field.text('format');
  if (format === undefined || format === 'default' || (format === 'any' && column.type === 'instant')) return;
  const what =
    column.type === 'instant'
      ? 'instants are read as they are written in ISO 8601; day or month first is said in gyre.yaml: timestamps'
      : 'is not judged here; a pattern says what a value looks like';
  notes.say(`${at}.format`, `${format}: ${what}`);
}

function takeConstraints(column: ColumnSchema, constraints: Account | undefined, at: string, notes: Notes): void {
  if (constraints === undefined) return;
  const isNumeric = column.type === 'integer' || column.type === 'number';
  if (constraints.truth('required') === true) column.nullable = false;
  if (constraints.truth('unique') === true) column.unique = true;
  for (const [word, ofNumber, ofInstant] of [
    ['minimum', 'min', 'earliest'],
    ['maximum', 'max', 'latest'],
  ] as const) {
    const limit = constraints.take(word);
    if (limit === undefined) continue;
    const number = typeof limit === 'string' && limit.trim() !== '' ? Number(limit) : limit;
    if (isNumeric && typeof number === 'number' && Number.isFinite(number)) column[ofNumber] = number;
    else if (column.type === 'instant' && isMoment(limit)) column[ofInstant] = limit;
    else notes.say(`${at}.constraints.${word}`, `${shown(limit)}: is no limit of a column of type ${column.type}`);
  }
  for (const word of ['exclusiveMinimum', 'exclusiveMaximum'])
    if (constraints.take(word) !== undefined) notes.say(`${at}.constraints.${word}`, 'say it as a rule, such as "amount > 0"');
  for (const word of ['minLength', 'maxLength'] as const) {
    const length = constraints.number(word);
    if (length === undefined) continue;
    if (column.type === 'string') column[word] = length;
    else notes.say(`${at}.constraints.${word}`, `a ${column.type} column has no ${word}`);
  }
  const pattern = constraints.text('pattern');
  if (pattern !== undefined && column.type === 'string') column.pattern = pattern;
  else if (pattern !== undefined) notes.say(`${at}.constraints.pattern`, `a ${column.type} column has no pattern`);
  const listed = constraints.list('enum');
  if (listed) takeListed(column, listed, `${at}.constraints.enum`, notes);
  for (const word of constraints.rest()) notes.say(`${at}.constraints.${word}`, 'a reviewed schema has nothing that says this');
}

function takeListed(column: ColumnSchema, listed: readonly unknown[], at: string, notes: Notes): void {
  const numbers = column.type === 'integer' ? listed.map((value) => (typeof value === 'string' ? Number(value) : value)) : listed;
  const found = enumerated(numbers, column.type);
  if (found) Object.assign(column, found);
  else notes.say(at, `${shown(listed)}: of ${column.type} values a range can be said, and no list with gaps`);
}

function takeForeignKey(schema: TableSchema, key: Account, notes: Notes): void {
  const columns = namesIn(key.take('fields'), `${key.at}.fields`);
  const reference = key.object('reference');
  const dataset = reference?.text('resource') ?? '';
  const to = namesIn(reference?.take('fields'), `${key.at}.reference.fields`);
  for (const name of columns) columnNamed(schema.columns, name, key.at);
  if (columns.length === 0 || to.length !== columns.length)
    throw new GyreError('INVALID_ARGUMENT', `${key.at}: ${columns.length} fields cannot be matched with ${to.length}`, { at: key.at });
  for (const word of [...key.rest(), ...(reference?.rest() ?? [])])
    notes.say(`${key.at}.${word}`, 'a reviewed schema has nothing that says this');
  if (dataset === '') {
    notes.say(key.at, 'a reference to the table itself: references lead to other datasets');
    return;
  }
  if (!datasetName.test(dataset)) {
    notes.say(key.at, `"${dataset}" can be no dataset’s name`);
    return;
  }
  if (columns.length > 1) {
    schema.references = [...(schema.references ?? []), { columns, dataset, to }];
    return;
  }
  const column = columnNamed(schema.columns, columns[0], key.at);
  column.references = { dataset, ...(to[0] === column.name ? {} : { column: to[0] }) };
}
