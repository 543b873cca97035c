import { GyreError } from '#core';

/** An error as the validator reports it (ajv with `verbose`). */
export interface SchemaError {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly message?: string;
  readonly data?: unknown;
  readonly schema?: unknown;
  readonly parentSchema?: Readonly<Record<string, unknown>>;
}

export type HttpPart = 'params' | 'query' | 'body';

const secretFields = /^(password|code|secret|token)$/i;

/**
 * A violated schema as an error that says where, what was found and what is wanted.
 * @param errors of one validation that stopped at the first fault; a union reports the faults of its branches before its own
 */
export function violation(part: HttpPart, errors: readonly SchemaError[]): GyreError {
  const error = errors.at(-1);
  if (error === undefined) return new GyreError('INVALID_ARGUMENT', `the ${part} does not fit`);
  const field = fieldOf(part, error);
  const { found, wanted } = factsOf(error, field);
  return new GyreError('INVALID_ARGUMENT', `${field}: ${found}, ${wanted}`, { field, found, wanted });
}

/** `/labels/0/value` of the body as `body.labels[0].value`. */
function fieldOf(part: HttpPart, { instancePath }: SchemaError): string {
  const steps = instancePath
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
  return part + steps.map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${step}`)).join('');
}

function factsOf(error: SchemaError, field: string): { readonly found: string; readonly wanted: string } {
  const { keyword, params = {}, data, parentSchema = {}, schema } = error;
  const shownValue = secretFields.test(field.split('.').at(-1) ?? '') ? `a ${kindOf(data)}` : shown(data);
  const found = `${shownValue} was found`;
  switch (keyword) {
    case 'required':
      return { found: `"${String(params['missingProperty'])}" is missing`, wanted: `${membersOf(parentSchema)} wanted` };
    case 'additionalProperties':
      return { found: `there is an unknown "${String(params['additionalProperty'])}"`, wanted: `${membersOf(parentSchema)} wanted` };
    case 'type':
      return { found, wanted: `${typeWords(params['type'])} is wanted` };
    case 'enum':
      return { found, wanted: `one of ${listed(params['allowedValues'])} is wanted` };
    case 'const':
      return { found, wanted: `${JSON.stringify(params['allowedValue'])} is wanted` };
    case 'anyOf':
      return { found, wanted: `${branches(schema)} is wanted` };
    case 'pattern':
    case 'format':
      return { found, wanted: `${describedAs(parentSchema) ?? error.message ?? 'another form'} is wanted` };
    default:
      return { found, wanted: error.message ?? `it does not fit "${keyword}"` };
  }
}

function describedAs(schema: Readonly<Record<string, unknown>>): string | undefined {
  if (schema['format'] === 'date-time') return 'an instant as ISO 8601 with its zone, such as 2026-01-31T12:00:00Z,';
  return typeof schema['description'] === 'string' ? schema['description'] : undefined;
}

function membersOf({ properties, required }: Readonly<Record<string, unknown>>): string {
  const needed = new Set(Array.isArray(required) ? required : []);
  const names = typeof properties === 'object' && properties !== null ? Object.keys(properties) : [];
  if (names.length === 0) return 'no members are';
  return `${names.map((name) => `"${name}"${needed.has(name) ? '' : ' (optional)'}`).join(', ')} ${names.length === 1 ? 'is' : 'are'}`;
}

function branches(schema: unknown): string {
  if (!Array.isArray(schema)) return 'another form';
  const words = schema.map((branch: unknown): string => {
    if (typeof branch !== 'object' || branch === null) return 'another form';
    if ('properties' in branch && typeof branch.properties === 'object' && branch.properties !== null) {
      return `an object with ${Object.keys(branch.properties)
        .map((name) => `"${name}"`)
        .join(' and ')}`;
    }
    return 'type' in branch ? typeWords(branch.type) : 'another form';
  });
  return words.join(' or ');
}

const types: Readonly<Record<string, string>> = {
  integer: 'a whole number',
  number: 'a number',
  string: 'a string',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  null: 'null',
};

function typeWords(type: unknown): string {
  return (Array.isArray(type) ? type : [type]).map((word: unknown) => types[String(word)] ?? String(word)).join(' or ');
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'list' : typeof value;
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = JSON.stringify(value) ?? String(value);
  return `${kindOf(value) === 'null' ? '' : `the ${kindOf(value)} `}${text.length > 80 ? `${text.slice(0, 77)}…` : text}`;
}

function listed(values: unknown): string {
  return Array.isArray(values) ? values.map((value) => JSON.stringify(value)).join(', ') : String(values);
}
