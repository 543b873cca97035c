import { lstatSync, readdirSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { GyreError } from '#core';
import { readDvcFile } from './dvc-file.ts';
import type { DvcFile } from './dvc-file.ts';
import { ignoreFilesFor, ignoreTest } from './ignored-paths.ts';
import type { TrackedPath } from './port.ts';

const suffix = '.dvc';

/** Every path that a `.dvc` file below the root tracks, sorted. Tracked folders are not looked into. */
export function trackedPaths(root: string): TrackedPath[] {
  const found: TrackedPath[] = [];
  const walk = (folder: string): void => {
    const entries = readdirSync(folder, { withFileTypes: true });
    const isIgnored = ignoreTest(ignoreFilesFor(root, join(folder, '.')));
    const own = entries
      .filter(
        (entry) => entry.isFile() && entry.name.endsWith(suffix) && entry.name !== suffix && !isIgnored(join(folder, entry.name), false),
      )
      .flatMap(({ name }) => pathsOf(root, readDvcFile(join(folder, name))));
    found.push(...own);
    const tracked = new Set(own.map(({ absolute }) => absolute));
    for (const entry of entries) {
      const path = join(folder, entry.name);
      if (entry.isDirectory() && !tracked.has(path) && !isIgnored(path, true)) walk(path);
    }
  };
  walk(root);
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

export function pathsOf(root: string, { file, wdir, outs }: DvcFile): TrackedPath[] {
  return outs
    .filter(({ cached }) => cached)
    .map((out) => {
      const absolute = resolve(file, '..', wdir, out.path);
      return { path: relativePath(root, absolute), absolute, file, out };
    });
}

/** A path from the root, with `/`. */
export function relativePath(root: string, path: string): string {
  return relative(root, path).split(sep).join('/');
}

/**
 * The tracked paths that somebody means: by the path itself, by its `.dvc` file, or by a folder that they lie in.
 * @param wanted absolute; all without any
 * @throws GyreError NOT_FOUND naming what is tracked
 */
export function chosenPaths(root: string, wanted: readonly string[]): TrackedPath[] {
  const all = trackedPaths(root);
  if (wanted.length === 0) return all;
  const chosen = wanted.flatMap((path) => {
    const bare = path.endsWith(suffix) ? path.slice(0, -suffix.length) : path;
    const own = all.filter(
      ({ absolute, file }) => absolute === bare || file === path || absolute.startsWith(`${path}${sep}`) || path === root,
    );
    if (own.length > 0) return own;
    const around = all.find(({ absolute }) => path.startsWith(`${absolute}${sep}`));
    if (around !== undefined) {
      throw new GyreError(
        'INVALID_ARGUMENT',
        `${relativePath(root, path)} is a part of "${around.path}", which is tracked as a whole: name that`,
        {
          path: around.path,
        },
      );
    }
    const names = all.map((each) => `"${each.path}"`).slice(0, 10);
    const hint = names.length === 0 ? 'nothing is tracked yet: "gyre data add PATH" begins' : `tracked are ${names.join(', ')}`;
    throw new GyreError('NOT_FOUND', `"${relativePath(root, path)}" is not tracked; ${hint}`, { path: relativePath(root, path) });
  });
  return [...new Set(chosen)];
}

/**
 * Whether a path may become a tracked one.
 * @throws GyreError INVALID_ARGUMENT, PERMISSION_DENIED, FAILED_PRECONDITION
 */
export function requireTrackable(root: string, path: string): void {
  const inside = relativePath(root, path);
  if (inside === '' || inside === '..' || inside.startsWith('../')) {
    throw new GyreError('PERMISSION_DENIED', `${path} is not inside of the workspace ${root}`, { path });
  }
  const parts = inside.split('/');
  if (parts.some((part) => part === '.dvc' || part === '.git'))
    throw new GyreError('INVALID_ARGUMENT', `${inside} belongs to DVC or git`, { path });
  if (inside.endsWith(suffix)) throw new GyreError('INVALID_ARGUMENT', `${inside} is a .dvc file: add what it tracks`, { path });
  for (let i = 1; i < parts.length; i++) {
    const folder = join(root, ...parts.slice(0, i));
    if (lstatSync(folder).isSymbolicLink()) {
      throw new GyreError(
        'INVALID_ARGUMENT',
        `${inside} lies behind the link ${relativePath(root, folder)}: add the folder that it leads to`,
        { path },
      );
    }
  }
  for (const { path: other, file } of trackedPaths(root)) {
    if (other === inside) continue;
    const by = `tracked by ${relativePath(root, file)}`;
    if (inside.startsWith(`${other}/`)) {
      throw new GyreError('FAILED_PRECONDITION', `${inside} lies in "${other}", ${by}: "gyre data add ${other}" takes it along`, {
        path,
        other,
      });
    }
    if (other.startsWith(`${inside}/`)) {
      throw new GyreError('FAILED_PRECONDITION', `"${other}" inside of ${inside} is ${by} on its own: remove that file first`, {
        path,
        other,
      });
    }
  }
}
