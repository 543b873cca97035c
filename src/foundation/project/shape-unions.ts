import type { Finding, PathStep } from './problems.ts';
import type { JsonSchema } from './shape.ts';
import { shown, typeOf, typeWords } from './shape-words.ts';
import { closest } from './suggest.ts';

/**
 * The alternative of a union that a value was meant to be: by its type, and among mappings by the key that only one of them has
 * (`transform`, `trainer` or `run` tells the steps apart).
 */
export function alternativeFor(
  alternatives: readonly JsonSchema[],
  value: unknown,
  path: readonly PathStep[],
): { readonly schema: JsonSchema } | { readonly finding: Finding } {
  const type = typeOf(value);
  const fitting = alternatives.filter((schema) => accepts(schema, type));
  if (fitting.length === 1) return { schema: fitting[0] };
  if (fitting.length === 0) {
    const wanted = [...new Set(alternatives.map(alternativeWords))].join(', or ');
    if (type === 'null') return { finding: { path, atKey: true, message: `is empty; ${wanted} is needed` } };
    return { finding: { path, message: `must be ${wanted}; is ${shown(value)}` } };
  }
  if (type !== 'object' || typeof value !== 'object' || value === null) return { schema: fitting[0] };
  return byMarker(fitting, Object.keys(value), path);
}

function byMarker(
  alternatives: readonly JsonSchema[],
  keys: readonly string[],
  path: readonly PathStep[],
): { readonly schema: JsonSchema } | { readonly finding: Finding } {
  const marked = alternatives.flatMap((schema) => {
    const others = alternatives.filter((other) => other !== schema);
    const marker = schema.required?.findLast((key) => others.every((other) => !(other.required ?? []).includes(key)));
    // A key that others merely allow marks nothing: it has to be theirs alone.
    return marker === undefined || others.some((other) => Object.hasOwn(other.properties ?? {}, marker)) ? [] : [{ schema, marker }];
  });
  const markers = marked.map(({ marker }) => marker);
  const found = marked.filter(({ marker }) => keys.includes(marker));
  if (found.length === 1) return { schema: found[0].schema };
  const names = markers.map((marker) => `"${marker}"`);
  if (found.length > 1) {
    const both = found.map(({ marker }) => `"${marker}"`).join(' and ');
    return { finding: { path, atKey: true, message: `has ${both}; only one of ${names.join(', ')} says what it is` } };
  }
  for (const key of keys) {
    const meant = closest(key, markers);
    if (meant !== undefined) {
      return { finding: { path: [...path, key], atKey: true, message: `unknown key "${key}"`, suggestion: `did you mean "${meant}"?` } };
    }
  }
  return { finding: { path, atKey: true, message: `needs one of ${names.join(', ')}, which says what it is` } };
}

function accepts(schema: JsonSchema, type: string): boolean {
  if (schema.enum !== undefined) return schema.enum.some((word) => typeOf(word) === type);
  return schema.type === type || (schema.type === 'number' && type === 'integer');
}

function alternativeWords(schema: JsonSchema): string {
  if (schema.type !== 'object') return typeWords(schema);
  const keys = schema.required ?? [];
  return keys.length === 0 ? typeWords(schema) : `{ ${keys.map((key) => `${key}: …`).join(', ')} }`;
}
