import { GyreError } from '#core';

/*
 * How a step's input files are cut into items. Segments of a path stand between slashes; `*` is any run of characters of one segment, `?` one
 * character, `**` any number of whole segments, and `{day}` a run of characters that is given a name. As in a shell, none of them stands
 * for a dot at the beginning of a segment.
 */

/** A glob over a project's files. */
export interface ItemPattern {
  readonly text: string;
  /** The folder beneath which all of its files lie: the segments before the first wildcard; empty for the project's own. */
  readonly folder: string;
  /** The names in braces, in order. */
  readonly names: readonly string[];
  /** @param path relative to the project, with `/` @returns what the names stand for; undefined where the path is not one of them */
  match(path: string): Readonly<Record<string, string>> | undefined;
}

/** What every item of one file may name in its outputs, beside the names in braces. */
export const fileNames = ['dir', 'stem', 'name', 'ext'] as const;

const wildcard = /[*?{}]/;
const placeholder = /\{([^{}]*)\}/g;
const nameForm = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * @param text such as `images/*.jpg` or `logs/{day}/*.log`
 * @throws GyreError INVALID_ARGUMENT saying what is wrong with it
 */
export function parseItemPattern(text: string): ItemPattern {
  const fault = pathFault(text) ?? patternFault(text);
  if (fault !== undefined) throw new GyreError('INVALID_ARGUMENT', `"${text}" ${fault}`, { pattern: text });
  const segments = text.split('/');
  const firstWild = segments.findIndex((segment) => wildcard.test(segment));
  const fixed = segments.slice(0, firstWild === -1 ? segments.length - 1 : Math.min(firstWild, segments.length - 1));
  const names = [...new Set([...text.matchAll(placeholder)].map((match) => match[1]))];
  const form = new RegExp(`^${source(segments)}$`, 'u');
  return {
    text,
    folder: fixed.join('/'),
    names,
    match: (path) => {
      const match = form.exec(path);
      return match === null ? undefined : Object.fromEntries(names.map((name) => [name, match.groups?.[name] ?? '']));
    },
  };
}

function source(segments: readonly string[]): string {
  const seen = new Set<string>();
  return segments
    .map((segment, index) => {
      const isLast = index === segments.length - 1;
      if (segment === '**') return isLast ? '(?:(?!\\.)[^/]+/)*(?!\\.)[^/]+' : '(?:(?!\\.)[^/]+/)*';
      const inner = segment.replaceAll(/\{([^{}]*)\}|[\s\S]/gu, (sign, name: string | undefined) => {
        if (name !== undefined) {
          if (seen.has(name)) return `\\k<${name}>`;
          seen.add(name);
          return `(?<${name}>[^/]+?)`;
        }
        if (sign === '*') return '[^/]*';
        return sign === '?' ? '[^/]' : sign.replace(/[\\^$.*+?()[\]{}|/]/u, String.raw`\$&`);
      });
      return `${/^[*?{]/.test(segment) ? '(?!\\.)' : ''}${inner}${isLast ? '' : '/'}`;
    })
    .join('');
}

function patternFault(text: string): string | undefined {
  if (text.endsWith('/')) return 'names a folder; files are needed, such as those of "folder/**"';
  const mixed = text.split('/').find((segment) => segment.includes('**') && segment !== '**');
  if (mixed !== undefined) return `holds "${mixed}": "**" stands alone between slashes`;
  return braceFault(text);
}

function braceFault(text: string): string | undefined {
  const rest = text.replaceAll(placeholder, '');
  if (rest.includes('{') || rest.includes('}')) return 'has a brace without its partner';
  const wrong = [...text.matchAll(placeholder)].map((match) => match[1]).find((name) => !nameForm.test(name));
  return wrong === undefined ? undefined : `names "{${wrong}}": letters, digits and "_" make a name`;
}

/** What keeps a text from being a path inside a project; undefined when nothing does. */
export function pathFault(text: string): string | undefined {
  if (text.trim() === '') return 'is empty';
  if (text.startsWith('/') || /^[A-Za-z]:/.test(text)) return 'is not relative to gyre.yaml';
  if (text.includes('\\')) return 'has a backslash; folders are parted by "/"';
  const segments = text.split('/');
  if (segments.includes('..')) return 'leaves the project by ".."';
  return segments.slice(0, -1).some((segment) => segment === '' || segment === '.') || segments.at(-1) === '.'
    ? 'has an empty or "." segment'
    : undefined;
}

/** The names that an output of an item uses, in order. */
export function namesIn(template: string): readonly string[] {
  return [...template.matchAll(placeholder)].map((match) => match[1]);
}

/** What is wrong with the output of an item: `thumbs/{stem}.png` is a file, `parts/{stem}/` a folder. */
export function templateFault(template: string, names: readonly string[]): string | undefined {
  const fault = pathFault(template) ?? braceFault(template);
  if (fault !== undefined) return fault;
  if (/[*?]/.test(template)) return 'has a wildcard; an output is one file, or a folder that ends in "/"';
  const used = namesIn(template);
  const unknown = used.find((name) => !names.includes(name));
  if (unknown !== undefined) return `names {${unknown}}; there is ${names.map((name) => `{${name}}`).join(', ') || 'nothing to name'}`;
  return used.length === 0 ? 'is the same for every item; name a part of the item in it, such as "thumbs/{stem}.png"' : undefined;
}

/** The path that a template stands for with these values; an empty `{dir}` leaves no empty segment. */
export function fillTemplate(template: string, values: Readonly<Record<string, string>>): string {
  const filled = template.replaceAll(placeholder, (_whole, name: string) => values[name] ?? '');
  return filled.replaceAll(/\/{2,}/g, '/').replace(/^\//, '');
}

/** What the names of `fileNames` stand for. @param folder of the pattern: `{dir}` is the rest of the way to the file */
export function fileValues(path: string, folder: string): Readonly<Record<(typeof fileNames)[number], string>> {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const parent = path.slice(0, Math.max(0, path.length - name.length - 1));
  const dot = name.lastIndexOf('.');
  return {
    dir: folder === '' ? parent : parent.slice(folder.length + 1),
    stem: dot > 0 ? name.slice(0, dot) : name,
    name,
    ext: dot > 0 ? name.slice(dot + 1) : '',
  };
}

/**
 * Whether one file could be meant by both of two paths, folders (`thumbs/`), globs or templates. In doubt it says yes: a step that waits
 * for another without need loses some time, one that does not wait reads what is not there yet.
 */
export function mayMeet(left: string, right: string): boolean {
  const [a, b] = [endsOf(left), endsOf(right)];
  if (a.isOne && b.isOne) return left === right;
  const fits = (one: string, { head, tail }: Ends): boolean => one.startsWith(head) && one.endsWith(tail);
  if (a.isOne) return fits(left, b);
  if (b.isOne) return fits(right, a);
  return (a.head.startsWith(b.head) || b.head.startsWith(a.head)) && (a.tail.endsWith(b.tail) || b.tail.endsWith(a.tail));
}

interface Ends {
  readonly head: string;
  readonly tail: string;
  /** It means one file. */
  readonly isOne: boolean;
}

function endsOf(text: string): Ends {
  const parts = text.split(/[*?]|\{[^{}]*\}/);
  const last = parts.at(-1) ?? '';
  return { head: parts[0], tail: text.endsWith('/') ? '' : last, isOne: parts.length === 1 && !text.endsWith('/') };
}
