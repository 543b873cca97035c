import { GyreError } from '#core';

/*
 * Messages of the protocol in protobuf's JSON, as its clients send them: numbers also as text, null for absent, unknown members
 * passed over. One description per message gives its type, its checks and their words (mlflow/server/handlers.py).
 */

/**
 * Where a value stands in a message, for who is told that it is wrong. Undefined while nothing is known to be wrong: putting it together for
 * each of a thousand points costs more than reading them.
 */
type Path = string | undefined;

/** How one field is read. `undefined` says that the value is of another type. */
export interface Field<T> {
  readonly read: (value: unknown, path: Path) => T | undefined;
  /** Reads what stands in a query string. */
  readonly fromQuery: (values: readonly string[]) => unknown;
  readonly isRequired: boolean;
  readonly absent: T;
  /** What it takes, as JSON Schema says it; absent: nothing that could be said so. */
  readonly schema?: Readonly<Record<string, unknown>>;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;
export type MessageOf<F extends Fields> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

const last = (values: readonly string[]): unknown => values.at(-1);
const optional = <T>(
  schema: NonNullable<Field<T>['schema']>,
  read: Field<T>['read'],
  fromQuery: Field<T>['fromQuery'] = last,
): Field<T | undefined> => ({
  read,
  fromQuery,
  isRequired: false,
  absent: undefined,
  schema,
});

/** The same field, which has to be there and, as text, not be empty. */
export function required<T>(field: Field<T | undefined>): Field<T> {
  // What is absent is refused before its value is used.
  return { ...field, isRequired: true, absent: undefined as T };
}

/** MLflow's client for R sends every value as text, and R's words for truth are these. */
const flagsOfR: ReadonlyMap<unknown, boolean> = new Map([
  ['TRUE', true],
  ['FALSE', false],
]);

export const text = optional({ type: 'string' }, (value) => (typeof value === 'string' ? value : undefined));
/** A text that is empty where it is absent. */
export const emptyText: Field<string> = { ...text, absent: '' };
export const flag = optional(
  { type: 'boolean' },
  (value) => (typeof value === 'boolean' ? value : flagsOfR.get(value)),
  (values) => (values.at(-1) === 'true' ? true : values.at(-1) === 'false' ? false : values.at(-1)),
);
/** A whole number; protobuf's JSON gives those of 64 bits as text as well. R writes 100000 as 1e+05. */
export const integer = optional({ type: ['integer', 'string'] }, (value) => {
  const number = typeof value === 'string' && /^-?(\d{1,19}|\d(\.\d+)?e\+\d\d)$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : undefined;
});
const numberWords = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
]);
/** A number; also those that JSON cannot say, as text. */
export const double = optional({ type: ['number', 'string'] }, (value) => {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string' || value.trim() === '') return undefined;
  const number = numberWords.get(value) ?? Number(value);
  return Number.isNaN(number) && value !== 'NaN' ? undefined : number;
});

/** A list, empty when it is absent. */
export function list<T>(item: Field<T>): Field<readonly Exclude<T, undefined>[]> {
  return {
    isRequired: false,
    absent: [],
    schema: { type: 'array', items: item.schema ?? {} },
    fromQuery: (values) => values,
    read: (value, path) => {
      if (!Array.isArray(value)) return undefined;
      const found: Exclude<T, undefined>[] = [];
      for (let at = 0; at < value.length; at++) {
        const one = item.read(value[at], path === undefined ? undefined : `${path}[${at}]`);
        if (one === undefined) throw invalidValue(`${path ?? ''}[${at}]`, value[at]);
        // What is undefined was refused.
        found.push(one as Exclude<T, undefined>);
      }
      return found;
    },
  };
}

/** A message inside a message. */
export function nested<F extends Fields>(fields: F): Field<MessageOf<F> | undefined> {
  return optional(schemaOf(fields), (value, path) =>
    isRecord(value) ? readFields(fields, value, path === undefined ? undefined : `${path}.`) : undefined,
  );
}

/** A message's fields as JSON Schema; what is absent may be null as well. */
export function schemaOf(fields: Fields): Readonly<Record<string, unknown>> {
  const named = Object.entries(fields);
  const required = named.filter(([, field]) => field.isRequired).map(([name]) => name);
  const properties = Object.fromEntries(
    named.map(([name, { schema = {}, isRequired }]) => [name, isRequired ? schema : { anyOf: [schema, { type: 'null' }] }]),
  );
  return { type: 'object', properties, ...(required.length === 0 ? {} : { required }) };
}

/** Any JSON object, as it came. */
export const object = optional({ type: 'object' }, (value) => (isRecord(value) ? value : undefined));

/**
 * Reads a message's fields.
 * @throws GyreError INVALID_ARGUMENT in the words that clients know
 */
export function readMessage<F extends Fields>(fields: F, value: Readonly<Record<string, unknown>>): MessageOf<F> {
  try {
    return readFields(fields, value, undefined);
  } catch {
    // Read once more, to say where it is wrong.
    return readFields(fields, value, '');
  }
}

function readFields<F extends Fields>(fields: F, value: Readonly<Record<string, unknown>>, prefix: Path): MessageOf<F> {
  const message: Record<string, unknown> = {};
  for (const name in fields) {
    const field = fields[name];
    const path = prefix === undefined ? undefined : prefix + name;
    const given = value[name] ?? undefined;
    if (given === undefined || (given === '' && field.isRequired)) {
      if (field.isRequired) throw missingValue(path ?? name);
      message[name] = field.absent;
      continue;
    }
    const read = field.read(given, path);
    if (read === undefined) throw invalidValue(path ?? name, given);
    message[name] = read;
  }
  // Each member was read by the field of its name.
  return message as MessageOf<F>;
}

/** The members of a query string as a message's fields read them. */
export function queryValues(fields: Fields, query: URLSearchParams): Readonly<Record<string, unknown>> {
  const values: Record<string, unknown> = {};
  for (const name of Object.keys(fields)) {
    const given = [...query.getAll(name), ...query.getAll(`${name}[]`)];
    if (given.length > 0) values[name] = fields[name].fromQuery(given);
  }
  return values;
}

const see = ' See the API docs for more information about request parameters.';

/** @returns the error for a parameter that has to be there */
export function missingValue(path: string): GyreError {
  return new GyreError('INVALID_ARGUMENT', `Missing value for required parameter '${path}'.${see}`, { parameter: path });
}

/** @returns the error for a parameter of another type, or beyond what it may be */
export function invalidValue(path: string, value: unknown, hint = `Hint: Value was of type '${pythonType(value)}'.`): GyreError {
  return new GyreError('INVALID_ARGUMENT', `Invalid value ${shown(value)} for parameter '${path}' supplied: ${hint}${see}`, {
    parameter: path,
  });
}

/** A number with a fraction, in the digits in which it was sent. */
export class WrittenNumber {
  readonly digits: string;
  constructor(digits: string) {
    this.digits = digits;
  }
}

const shownCharacters = 500;

function shown(value: unknown): string {
  if (value instanceof WrittenNumber) return value.digits;
  const said = JSON.stringify(value) ?? 'null';
  return said.length <= shownCharacters ? said : `${said.slice(0, shownCharacters)}…`;
}

function pythonType(value: unknown): string {
  if (value === null || value === undefined) return 'NoneType';
  if (Array.isArray(value)) return 'list';
  if (value instanceof WrittenNumber) return 'float';
  switch (typeof value) {
    case 'string':
      return 'str';
    case 'number':
      return Number.isInteger(value) ? 'int' : 'float';
    case 'boolean':
      return 'bool';
    default:
      return 'dict';
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
