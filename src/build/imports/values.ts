/*
 * Values that other tools keep as JSON or YAML, taken apart into single ones.
 */

/** A single value with its name. */
export interface Leaf {
  readonly key: string;
  readonly value: string | number | boolean | null | readonly unknown[] | Readonly<Record<string, unknown>>;
}

/** Marks what Python writes in place of numbers that JSON cannot say; no text of anybody begins so. */
const mark = '\u0000';

/**
 * Reads JSON as Python writes it, with NaN and Infinity.
 * @returns the text itself where it is none
 */
export function parsedJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    const marked = json.replace(/"(?:[^"\\]|\\.)*"|-?Infinity|NaN/g, (token) => (token.startsWith('"') ? token : `"\\u0000${token}"`));
    try {
      return JSON.parse(marked);
    } catch {
      return json;
    }
  }
}

/**
 * The single values of what may hold others: objects are taken apart, lists are one value, and so is an object with a `_type`, which stands
 * for something that is no value (a picture, a table).
 */
export function leavesOf(key: string, value: unknown, separator: string): readonly Leaf[] {
  if (Array.isArray(value)) return [{ key, value: unmarkedList(value) }];
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value);
    if ('_type' in value) return [{ key, value: Object.fromEntries(members) }];
    return members.flatMap(([name, member]) => leavesOf(key === '' ? name : `${key}${separator}${name}`, member, separator));
  }
  if (typeof value === 'string') return [{ key, value: value.startsWith(mark) ? Number(value.slice(1)) : value }];
  if (typeof value === 'number' || typeof value === 'boolean') return [{ key, value }];
  return value === null ? [{ key, value }] : [];
}

function unmarkedList(list: readonly unknown[]): readonly unknown[] {
  return list.map((item) => (typeof item === 'string' && item.startsWith(mark) ? item.slice(1) : item));
}

/** A value as a parameter or tag holds it: text as it is, anything else as JSON. */
export function textOf({ value }: Leaf): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  return JSON.stringify(value);
}

/** A value as a metric holds it; undefined where it is none. */
export function numberOf({ value }: Leaf): number | undefined {
  if (typeof value === 'boolean') return value ? 1 : 0;
  return typeof value === 'number' ? value : undefined;
}
