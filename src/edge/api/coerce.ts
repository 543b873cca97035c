import type { TSchema } from 'typebox';

/**
 * Query parameters arrive as text. Where the schema asks for a number or a truth value and the text is one, it becomes one;
 * everything else stays as it is, so that the validator names it as it came.
 */
export function coerceQuery(schema: TSchema, query: unknown): Record<string, unknown> {
  const given = typeof query === 'object' && query !== null ? Object.entries(query) : [];
  const properties = 'properties' in schema && typeof schema.properties === 'object' && schema.properties !== null ? schema.properties : {};
  const types = new Map(Object.entries(properties).map(([name, member]: [string, unknown]) => [name, typeOf(member)]));
  return Object.fromEntries(given.map(([name, value]) => [name, typeof value === 'string' ? coerced(value, types.get(name)) : value]));
}

function typeOf(schema: unknown): unknown {
  return typeof schema === 'object' && schema !== null && 'type' in schema ? schema.type : undefined;
}

function coerced(text: string, type: unknown): unknown {
  if ((type === 'integer' || type === 'number') && /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text)) return Number(text);
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}
