import { GyreError } from '#core';
import type { SchemaImport } from '#contract';

/** What could not be taken over, in the order in which it was met. */
export interface Notes {
  readonly all: SchemaImport['notTaken'];
  say(at: string, what: string): void;
}

export function openNotes(): Notes {
  const all: SchemaImport['notTaken'] = [];
  return { all, say: (at, what) => void all.push({ at, what }) };
}

/** An object of a foreign schema, of which every member has to be accounted for: taken over, or said not to be. */
export interface Account {
  readonly at: string;
  /** A member's value, which is thereby accounted for. */
  take(name: string): unknown;
  text(name: string): string | undefined;
  number(name: string): number | undefined;
  truth(name: string): boolean | undefined;
  list(name: string): readonly unknown[] | undefined;
  /** An object in it. */
  object(name: string): Account | undefined;
  /** Members that nobody has taken yet, which are thereby accounted for. */
  rest(): readonly string[];
}

/** @param at where it stands in the foreign schema @throws GyreError INVALID_ARGUMENT from the getters, for a value of another type */
export function accountOf(value: unknown, at: string): Account {
  const record = recordOf(value, at);
  const taken = new Set<string>();
  const take = (name: string): unknown => {
    taken.add(name);
    return Object.hasOwn(record, name) ? record[name] : undefined;
  };
  const typed = <T>(name: string, wanted: string, isFit: (own: unknown) => own is T): T | undefined => {
    const own = take(name);
    if (own === undefined || isFit(own)) return own;
    throw wrong(inside(at, name), wanted, own);
  };
  return {
    at,
    take,
    text: (name) => typed(name, 'a text', (own) => typeof own === 'string'),
    number: (name) => typed(name, 'a number', (own) => typeof own === 'number'),
    truth: (name) => typed(name, 'true or false', (own) => typeof own === 'boolean'),
    list: (name) => typed(name, 'a list', (own): own is readonly unknown[] => Array.isArray(own)),
    object: (name) => {
      const own = take(name);
      return own === undefined ? undefined : accountOf(own, inside(at, name));
    },
    rest: () => {
      const names = Object.keys(record).filter((name) => !taken.has(name));
      for (const name of names) taken.add(name);
      return names;
    },
  };
}

export const inside = (at: string, name: string): string => (at === '' ? name : `${at}.${name}`);

/** @throws GyreError INVALID_ARGUMENT for what is no object */
export function recordOf(value: unknown, at: string): Readonly<Record<string, unknown>> {
  if (isRecord(value)) return value;
  throw wrong(at === '' ? 'the file' : at, 'an object', value);
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wrong(at: string, wanted: string, found: unknown): GyreError {
  const shown = found === null ? 'null' : Array.isArray(found) ? 'a list' : typeof found === 'object' ? 'an object' : JSON.stringify(found);
  return new GyreError('INVALID_ARGUMENT', `${at} is ${shown}: ${wanted} is needed there`, { at });
}

/** The values of an enumeration as what a column may say of them. */
export function enumerated(
  values: readonly unknown[],
  type: string,
): { readonly categories?: string[]; readonly min?: number; readonly max?: number } | undefined {
  const own = values.filter((value) => value !== null);
  if (type === 'string' && own.length > 0 && own.every((value) => typeof value === 'string')) return { categories: [...new Set(own)] };
  if (type !== 'integer' || own.length === 0 || !own.every((value) => typeof value === 'number' && Number.isSafeInteger(value)))
    return undefined;
  const rising = [...new Set(own)].map(Number).sort((left, right) => left - right);
  const [min, max] = [rising[0], rising[rising.length - 1]];
  return max - min + 1 === rising.length ? { min, max } : undefined;
}

/** A column's name in a rule; undefined where it cannot be written there. */
export function inRule(name: string): string | undefined {
  if (name.includes('"')) return undefined;
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : `"${name}"`;
}

/** A day or an instant as a reviewed schema writes it. */
export const isMoment = (value: unknown): value is string =>
  typeof value === 'string' && /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/.test(value);

/** A value as a message shows it. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
