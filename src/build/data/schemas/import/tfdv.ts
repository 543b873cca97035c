import type { ColumnSchema, TableSchema } from '#contract';
import { GyreError } from '#core';
import type { Notes } from './account.ts';
import { inside } from './account.ts';
import { parseTextProto } from './text-proto.ts';
import type { TextMessage, TextValue } from './text-proto.ts';

/** A message of which every field is taken over, or said not to be. The last value of a field that stands alone counts, as protobuf has it. */
interface Fields {
  readonly at: string;
  has(name: string): boolean;
  texts(name: string): string[];
  text(name: string): string | undefined;
  number(name: string): number | undefined;
  word(name: string): string | undefined;
  messages(name: string): Fields[];
  message(name: string): Fields | undefined;
  rest(): string[];
}

function fieldsOf(message: TextMessage, at: string): Fields {
  const taken = new Set<string>();
  const all = (name: string): readonly TextValue[] => {
    taken.add(name);
    return Object.hasOwn(message, name) ? message[name] : [];
  };
  const wrong = (name: string, wanted: string): GyreError =>
    new GyreError('INVALID_ARGUMENT', `${inside(at, name)}: ${wanted} is needed`, { at: inside(at, name) });
  const texts = (name: string): string[] =>
    all(name).map((value) => {
      if (typeof value === 'string') return value;
      throw wrong(name, 'a text');
    });
  const messages = (name: string): Fields[] => {
    const found = all(name);
    return found.map((value, index) => {
      if (typeof value !== 'object' || !('message' in value)) throw wrong(name, 'a message');
      return fieldsOf(value.message, inside(at, found.length === 1 ? name : `${name}[${index}]`));
    });
  };
  return {
    at,
    has: (name) => Object.hasOwn(message, name),
    texts,
    text: (name) => texts(name).at(-1),
    number: (name) => {
      const value = all(name).at(-1);
      if (value === undefined || typeof value === 'number') return value;
      throw wrong(name, 'a number');
    },
    word: (name) => {
      const value = all(name).at(-1);
      if (value === undefined) return undefined;
      if (typeof value === 'object' && 'word' in value) return value.word;
      if (typeof value === 'number') return String(value);
      throw wrong(name, 'a word');
    },
    messages,
    message: (name) => messages(name).at(-1),
    rest: () => {
      const names = Object.keys(message).filter((name) => !taken.has(name));
      for (const name of names) taken.add(name);
      return names;
    },
  };
}

const isTrue = (word: string | undefined): boolean => word !== undefined && ['true', 't', '1', 'True'].includes(word);

interface Domains {
  readonly text: ReadonlyMap<string, Fields>;
  readonly integer: ReadonlyMap<string, Fields>;
  readonly float: ReadonlyMap<string, Fields>;
}

/**
 * A `tensorflow.metadata.v0.Schema` in protobuf's text format. Its words: a feature is a column, BYTES a text; `presence.min_fraction` the share of
 * rows that have a value; `min_domain_mass` the share of values that are in the domain.
 * @throws GyreError INVALID_ARGUMENT with line and column, or the field
 */
export function importTfdv(text: string, notes: Notes): TableSchema {
  const schema = fieldsOf(parseTextProto(text), '');
  const named = (field: string): Map<string, Fields> =>
    new Map(schema.messages(field).map((domain): [string, Fields] => [domain.text('name') ?? '', domain]));
  const domains: Domains = { text: named('string_domain'), integer: named('int_domain'), float: named('float_domain') };
  const checks: NonNullable<TableSchema['checks']> = {};
  const columns = schema.messages('feature').flatMap((feature) => {
    const name = feature.text('name');
    if (name === undefined || name === '') {
      notes.say(feature.at, 'a feature without a name: features of structures are named by their path, and columns are no structures');
      feature.rest();
      return [];
    }
    const column = columnOf(name, fieldsNamed(feature, name), domains, checks, notes);
    return column === undefined ? [] : [column];
  });
  const environments = schema.texts('default_environment');
  if (environments.length > 0)
    notes.say(
      'default_environment',
      `${environments.join(', ')}: there are no environments here; a schema holds for each version of a dataset`,
    );
  const of: Readonly<Record<string, string>> = {
    sparse_feature: 'features that are put together from several columns are none here',
    weighted_feature: 'weights of features are none here',
    dataset_constraints: 'limits on the number of rows and their drift are said by a monitor or a test, not by the schema',
    tensor_representation_group: 'how columns become tensors is said by the transform step',
    represent_variable_length_as_ragged: 'how columns become tensors is said by the transform step',
    annotation: 'a schema has no annotations; a column has a description',
  };
  for (const field of schema.rest()) notes.say(field, of[field] ?? 'is not known');
  return { columns, ...(Object.keys(checks).length === 0 ? {} : { checks }) };
}

/** The same fields, spoken of by the column's name. */
const fieldsNamed = (feature: Fields, name: string): Fields => ({ ...feature, at: `feature "${name}"` });

const types = { INT: 'integer', FLOAT: 'number', BYTES: 'string', TYPE_UNKNOWN: 'string' } as const;
const unjudged = ['PLANNED', 'ALPHA', 'DEPRECATED', 'DEBUG_ONLY', 'DISABLED', 'VALIDATION_DERIVED'];

function columnOf(
  name: string,
  feature: Fields,
  domains: Domains,
  checks: NonNullable<TableSchema['checks']>,
  notes: Notes,
): ColumnSchema | undefined {
  const note = (field: string, what: string): void => notes.say(`${feature.at}, ${field}`, what);
  const kind = feature.word('type') ?? 'TYPE_UNKNOWN';
  if (kind === 'STRUCT' || feature.has('struct_domain')) {
    note('type', 'STRUCT: a column holds one value; the feature and those within it are left out');
    return undefined;
  }
  const type = Object.hasOwn(types, kind) ? types[kind as keyof typeof types] : 'string';
  if (kind === 'TYPE_UNKNOWN' || !Object.hasOwn(types, kind)) note('type', `${kind}: taken for a text`);
  const column: ColumnSchema = { name, type };
  const stage = feature.word('lifecycle_stage');
  if (isTrue(feature.word('deprecated')) || (stage !== undefined && unjudged.includes(stage))) {
    note(
      stage === undefined ? 'deprecated' : 'lifecycle_stage',
      'is not judged there: the column may be absent, and nothing is expected of it',
    );
    const others = feature.rest();
    if (others.length > 0) note(others.join(', '), 'left out with it');
    return { ...column, presence: 'optional' };
  }
  takePresence(column, feature, note);
  takeShape(feature, note);
  takeDomain(column, feature, domains, note);
  const mass = feature.message('distribution_constraints')?.number('min_domain_mass');
  if (mass !== undefined && mass < 1) {
    if (column.categories === undefined)
      note('distribution_constraints', `min_domain_mass ${mass} speaks of a domain of texts, which there is none of`);
    else checks[`categories: ${name}`] = { fail: Number(mass.toPrecision(7)) };
  }
  const annotation = feature.message('annotation');
  const comments = annotation?.texts('comment') ?? [];
  if (comments.length > 0) column.description = comments.join(' ');
  for (const field of annotation?.rest() ?? []) note(`annotation.${field}`, 'a column has no tags and no other metadata');
  const of: Readonly<Record<string, string>> = {
    unique_constraints: 'how many different values there are is none of a schema’s expectations',
    skew_comparator: 'skew between training and serving is judged by the monitor',
    drift_comparator: 'drift is judged by the monitor, and between two versions by "gyre data compare"',
    in_environment: 'there are no environments here; a schema holds for each version of a dataset',
    not_in_environment: 'there are no environments here; a schema holds for each version of a dataset',
  };
  for (const field of feature.rest()) note(field, of[field] ?? 'is not known');
  return column;
}

type Note = (field: string, what: string) => void;

function takePresence(column: ColumnSchema, feature: Fields, note: Note): void {
  const presence = feature.message('presence');
  const fraction = presence?.number('min_fraction') ?? 0;
  const count = presence?.number('min_count') ?? 0;
  if (fraction <= 0 && count <= 0) column.presence = 'optional';
  if (fraction >= 1) column.nullable = false;
  else if (fraction > 0) column.maxMissing = Number((1 - fraction).toPrecision(12));
  if (count > 1) note('presence.min_count', `${count}: a column has a share of missing values, not a number of values`);
  for (const field of presence?.rest() ?? []) note(`presence.${field}`, 'is not known');
  if (feature.message('group_presence')) note('group_presence', 'presence within a group speaks of structures, and columns are none');
}

function takeShape(feature: Fields, note: Note): void {
  const count = feature.message('value_count');
  if (count) {
    const [min, max] = [count.number('min'), count.number('max')];
    if (max !== 1 || (min ?? 0) > 1) note('value_count', `${min ?? 0} to ${max ?? 'any number of'} values: a cell holds one value`);
  }
  if (feature.messages('value_counts').length > 0) note('value_counts', 'nested values: a cell holds one value');
  for (const dim of feature.message('shape')?.messages('dim') ?? []) {
    const size = dim.number('size');
    dim.text('name');
    if (size !== 1) note('shape', `a dimension of ${size ?? 'unknown'}: a cell holds one value`);
  }
}

function takeDomain(column: ColumnSchema, feature: Fields, domains: Domains, note: Note): void {
  const named = feature.text('domain');
  if (named !== undefined) {
    const [text, integer, float] = [domains.text.get(named), domains.integer.get(named), domains.float.get(named)];
    if (text) takeTexts(column, text, note);
    else if (integer) takeRange(column, 'integer', integer, note);
    else if (float) takeRange(column, 'number', float, note);
    else note('domain', `there is no domain "${named}"`);
  }
  const text = feature.message('string_domain');
  if (text) takeTexts(column, text, note);
  const integer = feature.message('int_domain');
  if (integer) takeRange(column, 'integer', integer, note);
  const float = feature.message('float_domain');
  if (float) takeRange(column, 'number', float, note);
  const truth = feature.message('bool_domain');
  if (truth) takeTruths(column, truth);
  const time = feature.message('time_domain');
  if (time) {
    const [format, unit] = [time.text('string_format'), time.word('integer_format')];
    if (format !== undefined) {
      column.type = 'instant';
      note('time_domain.string_format', `${format}: instants are read as they are written in ISO 8601, and by the dataset’s "timestamps"`);
    } else note('time_domain', `${unit ?? 'no format'}: numbers are kept as numbers`);
  }
  const others = ['natural_language_domain', 'image_domain', 'mid_domain', 'url_domain', 'time_of_day_domain'].filter((field) =>
    feature.has(field),
  );
  for (const field of others) {
    feature.message(field)?.rest();
    note(field, 'what a text means is none of a schema’s expectations; a pattern says what it looks like');
  }
}

function takeTexts(column: ColumnSchema, domain: Fields, note: Note): void {
  domain.text('name');
  const values = [...new Set(domain.texts('value'))];
  if (column.type !== 'string') note('string_domain', `values of texts, for a column of type ${column.type}`);
  else if (values.length === 0) note('string_domain', 'names no value');
  else column.categories = values;
}

/** A text that holds numbers has a domain of numbers there; here it is read as numbers. */
function takeRange(column: ColumnSchema, type: 'integer' | 'number', domain: Fields, note: Note): void {
  domain.text('name');
  if (column.type === 'string') column.type = type;
  const field = type === 'integer' ? 'int_domain' : 'float_domain';
  const [min, max] = [domain.number('min'), domain.number('max')];
  // the least and the greatest of 64 bits are no limits, and no JavaScript number either
  if (min !== undefined && Number.isFinite(min) && Math.abs(min) < 2 ** 63) column.min = min;
  if (max !== undefined && Number.isFinite(max) && Math.abs(max) < 2 ** 63) column.max = max;
  if (isTrue(domain.word('disallow_nan'))) column.nullable = false;
  if (isTrue(domain.word('disallow_inf')) && (column.min === undefined || column.max === undefined))
    note(`${field}.disallow_inf`, 'infinite values are refused by "min" and "max" alone');
  if (isTrue(domain.word('is_categorical'))) note(`${field}.is_categorical`, 'how numbers are used is said by the transform step');
  for (const each of domain.rest()) note(`${field}.${each}`, 'is not known');
}

function takeTruths(column: ColumnSchema, domain: Fields): void {
  domain.text('name');
  const values = [domain.text('true_value'), domain.text('false_value')].filter((value) => value !== undefined);
  if (column.type !== 'string') Object.assign(column, { min: 0, max: 1 });
  else if (values.every((value) => /^(true|false)$/i.test(value))) column.type = 'boolean';
  else column.categories = values;
}
