import { createHash } from 'node:crypto';
import { GyreError } from '#core';
import { folderSuffix } from './layout.ts';
import type { ObjectName } from './layout.ts';

/** What a tracked folder holds: the paths in it, in the order of their code points, and each file's MD5 (16 bytes a file, in one array). */
export interface Manifest {
  readonly paths: readonly string[];
  readonly md5s: Buffer;
}

/** The MD5 of a manifest's nth file, in hex. */
export function md5At({ md5s }: Pick<Manifest, 'md5s'>, index: number): string {
  return md5s.toString('hex', index * 16, index * 16 + 16);
}

/** Puts files into the order in which DVC lists them. */
export function sortedManifest(paths: readonly string[], md5s: Buffer): Manifest {
  if (isSorted(paths)) return { paths, md5s };
  const order = Array.from(paths, (_, i) => i).sort((a, b) => comparePaths(paths[a], paths[b]));
  const sorted = Buffer.allocUnsafe(md5s.length);
  order.forEach((from, to) => md5s.copy(sorted, to * 16, from * 16, from * 16 + 16));
  return { paths: order.map((i) => paths[i]), md5s: sorted };
}

function isSorted(paths: readonly string[]): boolean {
  for (let i = 1; i < paths.length; i++) if (comparePaths(paths[i - 1], paths[i]) > 0) return false;
  return true;
}

const surrogates = /[\ud800-\udfff]/;

/** By code point, as Python compares: JavaScript's own order differs where one text has characters beyond U+FFFF. */
export function comparePaths(left: string, right: string): number {
  if (left === right) return 0;
  if (!surrogates.test(left) && !surrogates.test(right)) return left < right ? -1 : 1;
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

/** The bytes of a `.dir` object: exactly those that Python's `json.dumps` gives for the list, ASCII alone, without a line's end. */
export function manifestBytes(manifest: Manifest): Buffer {
  const parts = manifest.paths.map((path, i) => `{"md5": "${md5At(manifest, i)}", "relpath": ${asciiJson(path)}}`);
  return Buffer.from(`[${parts.join(', ')}]`, 'latin1');
}

/** The name of a `.dir` object from its bytes. */
export function manifestName(bytes: Uint8Array): ObjectName {
  return `${createHash('md5').update(bytes).digest('hex')}${folderSuffix}`;
}

function asciiJson(text: string): string {
  const json = JSON.stringify(text);
  return /[^ -~]/.test(json)
    ? json.replaceAll(/[^ -~]/g, (unit) => String.raw`\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    : json;
}

/**
 * Reads a `.dir` object.
 * @param name of the object, for messages
 * @throws GyreError DATA_LOSS when the bytes are no listing, PERMISSION_DENIED when a path would leave the folder
 */
export function parseManifest(bytes: Buffer, name: ObjectName): Manifest {
  const entries = entriesOf(bytes, name);
  const paths: string[] = [];
  const md5s = Buffer.allocUnsafe(entries.length * 16);
  for (let i = 0; i < entries.length; i++) {
    const { md5, relpath } = memberOf(entries[i], name, i);
    if (!isInnerPath(relpath)) {
      throw new GyreError(
        'PERMISSION_DENIED',
        `the listing ${name} names ${JSON.stringify(relpath)} (entry ${i + 1}), which is no path inside of its folder; nothing of it is used`,
        { object: name, path: relpath },
      );
    }
    paths.push(relpath);
    md5s.write(md5, i * 16, 'hex');
  }
  const sorted = sortedManifest(paths, md5s);
  const twice = sorted.paths.find((path, i) => i > 0 && path === sorted.paths[i - 1]);
  if (twice === undefined) return sorted;
  throw new GyreError('DATA_LOSS', `the listing ${name} names "${twice}" twice`, { object: name, path: twice });
}

function entriesOf(bytes: Buffer, name: ObjectName): readonly unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new GyreError('DATA_LOSS', `the listing ${name} is no JSON: fetch it again with "gyre data pull"`, { object: name }, { cause });
  }
  if (Array.isArray(value)) return value;
  throw new GyreError('DATA_LOSS', `the listing ${name} is no list of files`, { object: name });
}

function memberOf(entry: unknown, name: ObjectName, index: number): { readonly md5: string; readonly relpath: string } {
  if (typeof entry === 'object' && entry !== null && 'md5' in entry && 'relpath' in entry) {
    const { md5, relpath } = entry;
    if (typeof md5 === 'string' && /^[0-9a-f]{32}$/.test(md5) && typeof relpath === 'string') return { md5, relpath };
  }
  throw new GyreError('DATA_LOSS', `the listing ${name} is wrong at entry ${index + 1}: "md5" and "relpath" are needed`, {
    object: name,
    entry: index + 1,
  });
}

/** What no path of a listing has: steps out of the folder, and folders that would command git or DVC; DVC never adds them. */
const outsidePart = /(?:^|\/)(?:\.{0,2}|\.git|\.hg|\.dvc)(?:\/|$)|\0/;

/** Whether a path stays inside of the folder that it is relative to. Listings come from other machines. */
export function isInnerPath(path: string): boolean {
  return !outsidePart.test(path);
}
