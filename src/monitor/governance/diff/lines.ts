import type { ReleaseDiffLine } from '#contract';

/** What one side says of one thing. */
export interface Said {
  readonly text: string;
  /** What is compared beyond the text, such as a whole digest that is shown short. */
  readonly exact?: string;
  readonly kind?: NonNullable<ReleaseDiffLine['kind']>;
  /** The record's, of that kind. */
  readonly id?: string;
}

/** What one side says of a part, by what it speaks of. */
export type Sayings = Readonly<Record<string, Said | string | undefined>>;

/** Both sides line by line: those that differ first, each in the order in which they were said. */
export function linesOf(from: Sayings, to: Sayings): readonly ReleaseDiffLine[] {
  const lines = [...new Set([...Object.keys(from), ...Object.keys(to)])].flatMap((what) => {
    const [left, right] = [said(from, what), said(to, what)];
    return left === undefined && right === undefined ? [] : [lineOf(what, left, right)];
  });
  return [...lines.filter(({ same }) => !same), ...lines.filter(({ same }) => same)];
}

function said(of: Sayings, what: string): Said | undefined {
  const value = Object.hasOwn(of, what) ? of[what] : undefined;
  return typeof value === 'string' ? { text: value } : value;
}

function lineOf(what: string, from: Said | undefined, to: Said | undefined): ReleaseDiffLine {
  const kind = from?.kind ?? to?.kind;
  return {
    what,
    ...(from === undefined ? {} : { from: from.text }),
    ...(to === undefined ? {} : { to: to.text }),
    same: from !== undefined && to !== undefined && from.text === to.text && from.exact === to.exact,
    ...(kind === undefined ? {} : { kind }),
    ...(from?.id === undefined ? {} : { fromId: from.id }),
    ...(to?.id === undefined ? {} : { toId: to.id }),
  };
}

/** Nested settings as one line each: `limits.maxBodyBytes`. Lists are one value. */
export function flattened(value: unknown, path: string): Record<string, string> {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null) return { [path]: String(value) };
  if (Array.isArray(value)) return { [path]: value.every((one) => typeof one === 'string') ? value.join(', ') : JSON.stringify(value) };
  return Object.fromEntries(Object.entries(value).flatMap(([key, inner]) => Object.entries(flattened(inner, `${path}.${key}`))));
}
