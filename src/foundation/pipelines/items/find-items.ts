import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { GyreError, messageOf } from '#core';
import { fileValues, fillTemplate } from '#project';
import type { ItemPattern } from '#project';

/** What a step's items are made of: one file each, or the files for which the pattern's names stand for the same. */
export interface ItemSelection {
  readonly by: 'file' | 'group';
  readonly pattern: ItemPattern;
  /** Templates of outputs; one that ends in `/` is a folder. */
  readonly outs: readonly string[];
}

/** A file as the file system shows it. */
export interface SeenFile {
  /** Relative to the project. */
  readonly path: string;
  readonly size: number;
  /** Changes with every write: time to the nanosecond and number of the file. */
  readonly mark: string;
  readonly modifiedMs: number;
}

export interface FoundItem {
  readonly item: string;
  /** In the order of their paths. */
  readonly inputs: readonly SeenFile[];
  readonly outs: readonly string[];
}

/** So many files are asked for at a time. */
const atOnce = 64;

/**
 * Looks for the items in a project's folder, in the order of their names.
 * @throws GyreError INVALID_ARGUMENT when two items would write the same output, or an output would be an input
 */
export async function findItems(folder: string, selection: ItemSelection): Promise<ReadonlyMap<string, FoundItem>> {
  const { by, pattern, outs } = selection;
  const groups = new Map<string, { readonly values: Readonly<Record<string, string>>; readonly paths: string[] }>();
  for (const path of await pathsOf(folder, pattern)) {
    const named = pattern.match(path);
    if (named === undefined) continue;
    const item = by === 'file' ? path : pattern.names.map((name) => named[name]).join('/');
    const values = by === 'file' ? { ...fileValues(path, pattern.folder), ...named } : named;
    const group = groups.get(item);
    if (group === undefined) groups.set(item, { values, paths: [path] });
    else group.paths.push(path);
  }
  const names = [...groups.keys()].sort(byCodeUnits);
  const seen = await lookAt(
    folder,
    names.flatMap((name) => groups.get(name)?.paths ?? []),
  );
  const found = new Map<string, FoundItem>();
  for (const item of names) {
    const { values, paths } = groups.get(item) ?? { values: {}, paths: [] };
    const inputs = paths
      .sort(byCodeUnits)
      .map((path) => seen.get(path))
      .filter((file) => file !== undefined);
    // A file that went between the listing and the look is as good as never listed.
    if (inputs.length > 0) found.set(item, { item, inputs, outs: outs.map((template) => fillTemplate(template, values)) });
  }
  checkOuts(found, pattern);
  return found;
}

function checkOuts(found: ReadonlyMap<string, FoundItem>, pattern: ItemPattern): void {
  const owners = new Map<string, string>();
  for (const { item, outs } of found.values()) {
    for (const out of outs) {
      const owner = owners.get(out);
      if (owner !== undefined) {
        throw new GyreError('INVALID_ARGUMENT', `items "${owner}" and "${item}" would both write ${out}: name more of the item in "outs"`, {
          out,
          items: [owner, item],
        });
      }
      owners.set(out, item);
      if (pattern.match(out) !== undefined) {
        throw new GyreError(
          'INVALID_ARGUMENT',
          `item "${item}" would write ${out}, which "${pattern.text}" takes for an input: write to another folder`,
          { out, item },
        );
      }
    }
  }
  for (const [out, item] of owners) {
    for (let end = out.lastIndexOf('/', out.length - 2); end > 0; end = out.lastIndexOf('/', end - 1)) {
      const owner = owners.get(out.slice(0, end + 1));
      if (owner === undefined) continue;
      throw new GyreError('INVALID_ARGUMENT', `item "${item}" would write ${out} into the folder of item "${owner}"`, { out });
    }
  }
}

/** Every file beneath the pattern's folder; hidden folders are left out, as the pattern's wildcards leave them out. */
async function pathsOf(folder: string, pattern: ItemPattern): Promise<readonly string[]> {
  const paths: string[] = [];
  const isDeep =
    pattern.text.slice(pattern.folder.length).split('/').length > (pattern.folder === '' ? 1 : 2) || pattern.text.includes('**');
  const walk = async (within: string): Promise<void> => {
    const entries = await readdir(join(folder, within), { withFileTypes: true }).catch((error: unknown) => {
      if (isAbsent(error)) return [];
      throw new GyreError('FAILED_PRECONDITION', `${within === '' ? folder : within} cannot be listed: ${messageOf(error)}`, {
        path: within,
      });
    });
    for (const entry of entries) {
      const path = within === '' ? entry.name : `${within}/${entry.name}`;
      if (entry.isDirectory()) {
        if (isDeep && !entry.name.startsWith('.')) await walk(path);
      } else if (entry.isFile() || entry.isSymbolicLink()) paths.push(path);
    }
  };
  await walk(pattern.folder);
  return paths;
}

/** What the file system says of files; those that are not there, or are no files, are left out. */
export async function lookAt(folder: string, paths: readonly string[]): Promise<ReadonlyMap<string, SeenFile>> {
  const seen = new Map<string, SeenFile>();
  for (let start = 0; start < paths.length; start += atOnce) {
    const looks = paths.slice(start, start + atOnce).map(async (path) => ({ path, file: await lookAtOne(folder, path) }));
    for (const { path, file } of await Promise.all(looks)) if (file !== undefined) seen.set(path, file);
  }
  return seen;
}

export async function lookAtOne(folder: string, path: string): Promise<SeenFile | undefined> {
  const found = await stat(join(folder, path), { bigint: true }).catch((error: unknown) => {
    if (isAbsent(error)) return undefined;
    throw new GyreError('FAILED_PRECONDITION', `${path} cannot be looked at: ${messageOf(error)}`, { path });
  });
  if (found === undefined || !found.isFile()) return undefined;
  return {
    path,
    size: Number(found.size),
    mark: `${found.mtimeNs}.${found.ctimeNs}.${found.ino}`,
    modifiedMs: Number(found.mtimeNs / 1_000_000n),
  };
}

export function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

export function byCodeUnits(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
