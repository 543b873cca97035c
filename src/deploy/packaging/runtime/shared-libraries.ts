import { realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { GyreError } from '#core';
import { elfNeeds, type ElfNeeds } from './elf.ts';

/** A library of the system that a program needs. */
export interface SharedLibrary {
  /** Where the loader looks for it. */
  readonly path: string;
  /** The file that holds it: links are followed. */
  readonly file: string;
}

export interface SharedLibraries {
  readonly machine: ElfNeeds['machine'];
  /** The loader first, then by path. */
  readonly libraries: readonly SharedLibrary[];
}

const triplets = { amd64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' } as const;

/**
 * What a program and the libraries that it loads need of this system, and what those need. Libraries that lie among `own` are found by
 * their run path and left out.
 * @param program a file that names a loader
 * @param own folders whose libraries come along anyway
 * @throws GyreError NOT_FOUND naming the library that is not there and who needs it; INVALID_ARGUMENT when the program names no loader
 */
export async function sharedLibraries(program: string, loaded: readonly string[], own: readonly string[]): Promise<SharedLibraries> {
  const first = await elfNeeds(program);
  if (first?.interpreter === undefined)
    throw new GyreError('INVALID_ARGUMENT', `${program} is no program of Linux that shares its libraries: its needs cannot be read`);
  const { machine, interpreter } = first;
  const usual = [`/lib/${triplets[machine]}`, `/usr/lib/${triplets[machine]}`, '/lib64', '/usr/lib64', '/lib', '/usr/lib'];
  const found = new Map<string, string>([[interpreter, await realpath(interpreter)]]);
  const seen = new Set<string>();
  const loader = interpreter.slice(interpreter.lastIndexOf('/') + 1);
  const queue = [program, ...loaded];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    const needs = await elfNeeds(file);
    if (needs === undefined) continue;
    for (const name of needs.needed) {
      if (name === loader) continue;
      const origin = dirname(file);
      const near = needs.runPath.map((folder) => folder.replace(/\$\{?ORIGIN\}?/, origin));
      const path = await firstThere([...near, ...usual].map((folder) => join(resolve(folder), name)));
      if (path === undefined) throw new GyreError('NOT_FOUND', `${name}, which ${file} needs, is not on this machine`, { name, file });
      const target = await realpath(path);
      if (own.some((folder) => target.startsWith(`${folder}/`))) {
        queue.push(path);
        continue;
      }
      found.set(path, target);
      queue.push(target);
    }
  }
  const libraries = [...found].map(([path, file]) => ({ path, file }));
  return { machine, libraries: libraries.sort((left, right) => (left.path < right.path ? -1 : 1)) };
}

async function firstThere(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if (await stat(path).then(() => true, () => false)) return path; // prettier-ignore
  return undefined;
}
