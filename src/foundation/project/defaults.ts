import type { JsonSchema } from './shape.ts';

/**
 * Fills in what a shape says a member is when it is left out. Only members of plain objects that are there are filled.
 * (TypeBox's `Value.Default` does the same, and takes a quarter of a second to load at the start of every verb.)
 * @returns a copy where something was filled in, else the value itself
 */
export function filled(schema: JsonSchema, value: unknown): unknown {
  if (schema.properties === undefined || typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const members: Record<string, unknown> = { ...value };
  for (const [name, member] of Object.entries(schema.properties)) {
    if (Object.hasOwn(members, name)) members[name] = filled(member, members[name]);
    else if (member.default !== undefined) members[name] = structuredClone(member.default);
  }
  return members;
}

/** The same schema for whoever writes such a value: what has a default may be left out. */
export function withDefaultsOptional(schema: JsonSchema): JsonSchema {
  const { properties, required } = schema;
  if (properties === undefined) return schema;
  return {
    ...schema,
    properties: Object.fromEntries(Object.entries(properties).map(([name, member]) => [name, withDefaultsOptional(member)])),
    ...(required === undefined ? {} : { required: required.filter((name) => properties[name].default === undefined) }),
  };
}
