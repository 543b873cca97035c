import type { JsonSchema } from './shape.ts';
import { listed } from './suggest.ts';

/** JSON's type of a value, with integers told apart from other numbers. */
export function typeOf(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

const words: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping (name: value)',
  null: 'nothing',
};

/** What kind of value a schema wants, in a word or two. */
export function typeWords(schema: JsonSchema | undefined): string {
  if (schema === undefined) return 'a value';
  if (schema.enum !== undefined) return `one of ${listed(schema.enum.map(String))}`;
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.map(typeWords))].join(' or ');
  return words[schema.type ?? ''] ?? 'a value';
}

/** What a schema wants, with its limits. */
export function expectation(schema: JsonSchema): string {
  if (schema.type === 'number' || schema.type === 'integer') {
    const low = schema.minimum ?? schema.exclusiveMinimum;
    const high = schema.maximum ?? schema.exclusiveMaximum;
    const range = low !== undefined && high !== undefined ? ` between ${low} and ${high}` : low !== undefined ? ` from ${low}` : '';
    return `${typeWords(schema)}${range}`;
  }
  if (schema.type === 'string' && schema.pattern !== undefined && schema.description !== undefined) return `text ${schema.description}`;
  return typeWords(schema);
}

/** A value as a message shows it: short, with its kind. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return 'empty';
  if (typeof value === 'string') return `the text "${value.length > 60 ? `${value.slice(0, 57)}…` : value}"`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') return 'a mapping';
  if (typeof value === 'number') return `the number ${value}`;
  if (typeof value === 'boolean') return String(value);
  return `a ${typeof value}`;
}
