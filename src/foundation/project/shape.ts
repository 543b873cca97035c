import type { TSchema } from 'typebox';
import { Name } from '#contract';
import { alternativeFor } from './shape-unions.ts';
import { expectation, shown, typeOf, typeWords } from './shape-words.ts';
import type { Finding, PathStep } from './problems.ts';
import { listed, suggestionFor } from './suggest.ts';

/** The keywords of JSON Schema that our shapes use. */
export interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean;
  readonly patternProperties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema | readonly JsonSchema[];
  readonly prefixItems?: readonly JsonSchema[];
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly anyOf?: readonly JsonSchema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly minLength?: number;
  readonly pattern?: string;
  /** What a member is that was left out. */
  readonly default?: unknown;
}

/** A TypeBox schema as the JSON Schema that it is. */
export function jsonSchema(schema: TSchema): JsonSchema {
  // TypeBox types its schemas by what they describe; what they are, at run time, is JSON Schema.
  return JSON.parse(JSON.stringify(schema)) as JsonSchema;
}

/**
 * What in a value does not fit a shape, said member by member. Unlike a plain validator it picks the one alternative of a union that
 * the value was meant to be, so that a message is about that one. (`load.test.ts` holds it against TypeBox's own check.)
 */
export function shapeFindings(schema: JsonSchema, value: unknown, path: readonly PathStep[] = []): Finding[] {
  if (schema.anyOf !== undefined) {
    const choice = alternativeFor(schema.anyOf, value, path);
    return 'finding' in choice ? [choice.finding] : shapeFindings(choice.schema, value, path);
  }
  if (schema.enum !== undefined || schema.const !== undefined) return wordFindings(schema, value, path);
  const actual = typeOf(value);
  if (schema.type === undefined || (schema.type !== actual && !(schema.type === 'number' && actual === 'integer'))) {
    if (schema.type === undefined) return [];
    return [wrongType(schema, value, path)];
  }
  if (typeof value === 'string') return textFindings(schema, value, path);
  if (typeof value === 'number') return numberFindings(schema, value, path);
  if (Array.isArray(value)) return listFindings(schema, value, path);
  if (typeof value === 'object' && value !== null) return objectFindings(schema, value, path);
  return [];
}

function wrongType(schema: JsonSchema, value: unknown, path: readonly PathStep[]): Finding {
  const wanted = expectation(schema);
  if (value === null || value === undefined) return { path, atKey: true, message: `is empty; ${wanted} is needed` };
  const hint =
    schema.type === 'string' && (typeof value === 'number' || typeof value === 'boolean')
      ? { suggestion: `put it in quotes: "${String(value)}"` }
      : typeof value === 'string' &&
          (schema.type === 'number' || schema.type === 'integer') &&
          value.trim() !== '' &&
          Number.isFinite(Number(value))
        ? { suggestion: `write ${value} without quotes` }
        : {};
  return { path, message: `must be ${wanted}, is ${shown(value)}`, ...hint };
}

function wordFindings(schema: JsonSchema, value: unknown, path: readonly PathStep[]): Finding[] {
  const words = schema.enum ?? [schema.const];
  if (words.includes(value)) return [];
  const texts = words.map(String);
  if (typeof value !== 'string') return [{ path, message: `must be one of ${listed(texts)}, is ${shown(value)}` }];
  const suggestion = suggestionFor(value, texts, 'known here');
  return [{ path, message: `"${value}" is not known here`, ...(suggestion === undefined ? {} : { suggestion }) }];
}

function textFindings(schema: JsonSchema, value: string, path: readonly PathStep[]): Finding[] {
  if (schema.minLength !== undefined && value.trim().length < schema.minLength) return [{ path, message: 'is empty; some text is needed' }];
  if (schema.pattern === undefined || new RegExp(schema.pattern).test(value)) return [];
  const wanted = schema.pattern === namePattern ? nameRule : (schema.description ?? `text of the form ${schema.pattern}`);
  return [{ path, message: `"${value}" does not fit: ${wanted}` }];
}

const namePattern = jsonSchema(Name).pattern;
const nameRule = 'a name is made of letters, digits, ".", "_" and "-", begins with a letter or digit, and has at most 128 signs';

function numberFindings(schema: JsonSchema, value: number, path: readonly PathStep[]): Finding[] {
  const limits: readonly (readonly [number | undefined, (limit: number) => boolean, string])[] = [
    [schema.minimum, (limit) => value >= limit, 'at least'],
    [schema.maximum, (limit) => value <= limit, 'at most'],
    [schema.exclusiveMinimum, (limit) => value > limit, 'greater than'],
    [schema.exclusiveMaximum, (limit) => value < limit, 'less than'],
  ];
  const broken = limits.filter(([limit, holds]) => limit !== undefined && !holds(limit)).map(([limit, , words]) => `${words} ${limit}`);
  return broken.length === 0 ? [] : [{ path, message: `must be ${broken.join(' and ')}, is ${value}` }];
}

function listFindings(schema: JsonSchema, value: readonly unknown[], path: readonly PathStep[]): Finding[] {
  const tuple = Array.isArray(schema.items) ? (schema.items as readonly JsonSchema[]) : schema.prefixItems;
  if (tuple !== undefined) {
    if (value.length !== tuple.length) {
      const each = expectation(tuple[0]);
      return [{ path, message: `must be a list of ${tuple.length} (each ${each}), has ${value.length}` }];
    }
    return tuple.flatMap((item, index) => shapeFindings(item, value[index], [...path, index]));
  }
  const counts =
    schema.minItems !== undefined && value.length < schema.minItems
      ? [{ path, message: `must have at least ${schema.minItems} ${schema.minItems === 1 ? 'item' : 'items'}, has ${value.length}` }]
      : schema.maxItems !== undefined && value.length > schema.maxItems
        ? [{ path, message: `must have at most ${schema.maxItems} items, has ${value.length}` }]
        : [];
  const { items } = schema;
  if (items === undefined || Array.isArray(items)) return counts;
  return [...counts, ...value.flatMap((item, index) => shapeFindings(items as JsonSchema, item, [...path, index]))];
}

function objectFindings(schema: JsonSchema, value: object, path: readonly PathStep[]): Finding[] {
  const findings: Finding[] = [];
  const members = schema.properties ?? {};
  const patterns = Object.entries(schema.patternProperties ?? {});
  for (const [key, member] of Object.entries(value)) {
    const known = Object.hasOwn(members, key) ? members[key] : patterns.find(([pattern]) => new RegExp(pattern).test(key))?.[1];
    const here = [...path, key];
    if (known !== undefined) {
      if (member !== undefined) findings.push(...shapeFindings(known, member, here));
    } else if (patterns.length > 0) {
      findings.push({ path: here, atKey: true, message: `"${key}" is no name`, suggestion: nameRule });
    } else if (schema.additionalProperties === false) {
      const unused = Object.keys(members).filter((name) => !Object.hasOwn(value, name));
      const suggestion = suggestionFor(key, unused, 'known here');
      findings.push({ path: here, atKey: true, message: `unknown key "${key}"`, ...(suggestion === undefined ? {} : { suggestion }) });
    }
  }
  const missing = (schema.required ?? []).filter((key) => !Object.hasOwn(value, key));
  for (const key of missing) {
    const meaning = members[key]?.description ?? typeWords(members[key]);
    findings.push({ path, atKey: true, message: `"${key}" is missing (${meaning})` });
  }
  return findings;
}
