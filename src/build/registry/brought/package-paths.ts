import type { PackageFile } from '#contract';
import { GyreError } from '#core';

const longestPath = 1024;

/**
 * Refuses paths that would lead out of a folder, or that no folder can hold together.
 * @throws GyreError INVALID_ARGUMENT naming the path
 */
export function requirePaths(files: readonly Pick<PackageFile, 'path'>[]): void {
  const paths = new Set<string>();
  const folders = new Set<string>();
  for (const { path } of files) {
    const refuse = (why: string): GyreError =>
      new GyreError('INVALID_ARGUMENT', `"${path.slice(0, 200)}" cannot be a file of a package: ${why}`, { path });
    if (path.length > longestPath) throw refuse(`a path has at most ${longestPath} characters`);
    if (/^[a-z]:/i.test(path) || ['\\', '\0'].some((odd) => path.includes(odd))) throw refuse('paths have slashes, and no drive');
    const steps = path.split('/');
    if (steps.some((step) => step === '' || step === '.' || step === '..'))
      throw refuse('paths are relative, without empty steps, "." and ".."');
    if (paths.has(path)) throw refuse('it stands there twice');
    paths.add(path);
    steps.slice(0, -1).forEach((_, depth) => folders.add(steps.slice(0, depth + 1).join('/')));
  }
  for (const { path } of files) {
    if (folders.has(path)) throw new GyreError('INVALID_ARGUMENT', `"${path}" cannot be a file and a folder of one package`, { path });
  }
}
