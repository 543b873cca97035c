import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import type * as Yaml from 'yaml';
import type { Document, Scalar, YAMLMap } from 'yaml';
import { GyreError, messageOf } from '#core';
import { isObjectName } from './layout.ts';
import type { ObjectName } from './layout.ts';
import { isInnerPath } from './manifest.ts';
import { isInOrder, isPlainName, isPlainText, parsePlain, plainText } from './plain-dvc-file.ts';
import { replaceFile } from './replace-file.ts';

const requireHere = createRequire(import.meta.url);
/** Loaded for files that are not in the plain form. */
const yaml = (): typeof Yaml => requireHere('yaml') as typeof Yaml;

/** What a `.dvc` file says about one tracked path. */
export interface Out {
  /** Relative to the `.dvc` file's folder (or to its `wdir`). */
  readonly path: string;
  /** Undefined where the file says nothing yet: the path was declared, never added. */
  readonly object?: ObjectName;
  /** Bytes; of a folder, of all its files. */
  readonly size?: number;
  /** Of a folder. */
  readonly files?: number;
  readonly executable: boolean;
  /** Written before DVC 3, without `hash: md5`: the object lies where those kept it, and its MD5 may be of a text with other line ends. */
  readonly legacy: boolean;
  /** Whether the bytes are kept in the cache. */
  readonly cached: boolean;
  /** Whether it goes to remotes. */
  readonly pushed: boolean;
  /** The remote that it goes to, where it has one of its own. */
  readonly remote?: string;
}

export interface DvcFile {
  /** Absolute. */
  readonly file: string;
  /** The folder that paths are relative to, relative to the file's own. */
  readonly wdir: string;
  readonly outs: readonly Out[];
}

/**
 * Reads a `.dvc` file.
 * @throws GyreError INVALID_ARGUMENT with the line when it is no YAML or not of DVC's shape, PERMISSION_DENIED when a path leaves its folder
 */
export function readDvcFile(file: string): DvcFile {
  return parseDvcFile(readFileSync(file, 'utf8'), file);
}

/** @param text of a `.dvc` file, from the disk or out of git's history */
export function parseDvcFile(text: string, file: string): DvcFile {
  const plain = parsePlain(text);
  if (plain !== undefined) return { file, wdir: '.', outs: plain.map((members) => outOf(members, file)) };
  const value: unknown = documentOf(text, file).toJS();
  if (typeof value !== 'object' || value === null || !('outs' in value) || !Array.isArray(value.outs)) {
    throw wrong(file, 'a list "outs" is needed');
  }
  const wdir = 'wdir' in value && typeof value.wdir === 'string' ? value.wdir : '.';
  if (wdir !== '.' && !isInnerPath(wdir.replace(/^\.\//, ''))) throw outside(file, wdir);
  const outs: readonly unknown[] = value.outs;
  return { file, wdir, outs: outs.map((out) => outOf(membersOf(out, file), file)) };
}

function membersOf(out: unknown, file: string): ReadonlyMap<string, unknown> {
  if (typeof out !== 'object' || out === null) throw wrong(file, 'each of "outs" is a map');
  return new Map<string, unknown>(Object.entries(out));
}

function outOf(members: ReadonlyMap<string, unknown>, file: string): Out {
  const path = members.get('path');
  const md5 = members.get('md5');
  if (typeof path !== 'string') throw wrong(file, '"path" is needed');
  if (!isInnerPath(path)) throw outside(file, path);
  if (md5 !== undefined && md5 !== null && !isObjectName(md5)) throw wrong(file, `"md5" of ${path} is no MD5`);
  const [size, files, remote] = [members.get('size'), members.get('nfiles'), members.get('remote')];
  return {
    path,
    ...(isObjectName(md5) ? { object: md5 } : {}),
    ...(typeof size === 'number' ? { size } : {}),
    ...(typeof files === 'number' ? { files } : {}),
    executable: members.get('isexec') === true,
    legacy: members.get('hash') !== 'md5',
    cached: members.get('cache') !== false,
    pushed: members.get('push') !== false,
    ...(typeof remote === 'string' ? { remote } : {}),
  };
}

/** What an `add` found. */
export interface AddedOut {
  readonly name: string;
  readonly object: ObjectName;
  readonly size: number;
  readonly files?: number;
  readonly executable: boolean;
}

/**
 * Writes what was added into a `.dvc` file, durably: keys in DVC's order; of an existing file everything else stays (comments, `meta`,
 * `desc`, keys that nobody here knows).
 * @returns whether the file changed
 */
export function writeDvcFile(file: string, added: AddedOut): boolean {
  const old = textOrNothing(file);
  const text = plainlyWritten(old, added) ?? withYaml(old, file, added);
  if (text === old) return false;
  replaceFile(file, text);
  return true;
}

/** Where the file tracks nothing else, or is new. */
function plainlyWritten(old: string | undefined, added: AddedOut): string | undefined {
  const outs = old === undefined ? [] : parsePlain(old);
  if (outs === undefined || outs.length > 1) return undefined;
  if (outs.some((members) => members.get('path') !== added.name || !isInOrder(members))) return undefined;
  return plainText(knownOf(added));
}

function withYaml(old: string | undefined, file: string, added: AddedOut): string {
  const document = old === undefined ? new (yaml().Document)({ outs: [{}] }) : documentOf(old, file);
  setOut(outNamed(document, added.name, file), added);
  return document.toString({ lineWidth: 0, indentSeq: false });
}

function outNamed(document: Document, name: string, file: string): YAMLMap {
  const { isMap, isSeq } = yaml();
  const outs = document.get('outs');
  if (!isSeq(outs)) throw wrong(file, 'a list "outs" is needed');
  const maps = outs.items.filter((item) => isMap(item));
  const found = maps.find((map) => map.get('path') === name) ?? maps.find((map) => !map.has('path'));
  if (found) return found;
  throw wrong(file, `it tracks ${maps.map((map) => String(map.get('path'))).join(', ')}, not ${name}`);
}

/** What is known of an out, in DVC's order. */
function knownOf({ name, object, size, files, executable }: AddedOut): readonly (readonly [key: string, value: unknown])[] {
  return [
    ['md5', object],
    ['size', size],
    ['nfiles', files],
    ['isexec', executable ? true : undefined],
    ['hash', 'md5'],
    ['path', name],
  ];
}

/** Known keys first, in DVC's order; what else the out had keeps its own order behind them. */
function setOut(out: YAMLMap, added: AddedOut): void {
  const isNew = out.items.length === 0;
  for (const [key, value] of knownOf(added)) {
    const node = typeof value === 'string' ? plainOrQuoted(value) : value;
    if (value === undefined) out.delete(key);
    else if (isNew || out.has(key)) replaceValue(out, key, node);
    else insertBefore(out, 'path', key, node);
  }
}

/** A comment behind the old value stays. */
function replaceValue(out: YAMLMap, key: string, value: unknown): void {
  const { Scalar, isScalar } = yaml();
  const old = out.get(key, true);
  const fresh = isScalar(value) ? value : new Scalar(value);
  if (isScalar(old)) {
    if (old.value === fresh.value) return;
    if (old.comment !== undefined) fresh.comment = old.comment;
  }
  out.set(key, fresh);
}

function insertBefore(out: YAMLMap, before: string, key: string, value: unknown): void {
  out.set(key, value);
  const added = out.items.pop();
  const at = out.items.findIndex((pair) => String(pair.key) === before);
  if (added !== undefined) out.items.splice(at < 0 ? out.items.length : at, 0, added);
}

/** Texts that a YAML reader of any version could take for something else than a text are written in quotes. */
function plainOrQuoted(text: string): Scalar<string> {
  const { Scalar } = yaml();
  const scalar = new Scalar(text);
  if (!isPlainText(text) && !isPlainName(text))
    scalar.type = text.includes('"') || /[^ -~]/.test(text) ? Scalar.QUOTE_SINGLE : Scalar.QUOTE_DOUBLE;
  return scalar;
}

function documentOf(text: string, file: string): Document {
  const document = yaml().parseDocument(text, { keepSourceTokens: false });
  const [error] = document.errors;
  if (error) {
    const line = error.linePos?.[0].line;
    throw new GyreError('INVALID_ARGUMENT', `${file}${line === undefined ? '' : `:${line}`} is no YAML: ${error.message.split('\n')[0]}`, {
      file,
      ...(line === undefined ? {} : { line }),
    });
  }
  return document;
}

function textOrNothing(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new GyreError('PERMISSION_DENIED', `${file} cannot be read: ${messageOf(error)}`, { file }, { cause: error });
  }
}

function wrong(file: string, what: string): GyreError {
  return new GyreError('INVALID_ARGUMENT', `${file}: ${what}`, { file: basename(file) });
}

function outside(file: string, path: string): GyreError {
  return new GyreError('PERMISSION_DENIED', `${file} tracks ${JSON.stringify(path)}, which is no path inside of its folder: refused`, {
    file: basename(file),
    path,
  });
}
