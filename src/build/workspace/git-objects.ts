import { basename } from 'node:path';
import { git } from './git-history.ts';
import type { ObjectName } from './layout.ts';
import { findGit } from './root.ts';

/** As many blobs are read in one call of git. */
const blobsPerCall = 2000;
const patterns = ['*.dvc', '*dvc.lock'];

/** Whether a file's name is of those that name objects. */
export const namesObjects = (path: string): boolean =>
  (path.endsWith('.dvc') && basename(path) !== '.dvc') || basename(path) === 'dvc.lock';

/** Whatever looks like an object's name. */
export function objectNamesIn(text: string): string[] {
  return text.match(/(?<![0-9a-f])[0-9a-f]{32}(?:\.dir)?(?![0-9a-f])/g) ?? [];
}

/**
 * Names of objects in every `.dvc` and `dvc.lock` file that git has: in its index, and in all commits that branches, tags, stashes, reflogs
 * and other working trees lead to. None outside of a repository.
 * @param tips only the commits that branches, tags, stashes and HEAD point to, not those before them
 * @throws GyreError INVALID_ARGUMENT with git's words when it cannot be asked: nobody is to take silence for "none"
 */
export async function objectsNamedInGit(root: string, tips: boolean): Promise<Set<ObjectName>> {
  const repository = findGit(root);
  if (repository === undefined) return new Set();
  const blobs = new Set<string>();
  const take = (text: string, line: RegExp): void => {
    for (const each of text.split('\0')) {
      const found = line.exec(each);
      if (found !== null && namesObjects(found[2])) blobs.add(found[1]);
    }
  };
  take(await git(repository, ['ls-files', '-s', '-z', '--full-name', '--', ...patterns]), /^\d+ ([0-9a-f]+) \d\t(.*)$/s);
  if (tips) {
    // A tag may name a file of any kind, which is no tree that could be looked into.
    const refs = (await git(repository, ['for-each-ref', '--format=%(objectname) %(objecttype) %(*objecttype)'])).split('\n');
    const heads = refs.filter((line) => /\b(commit|tree)\b/.test(line)).map((line) => line.split(' ')[0]);
    for (const head of new Set([...heads, ...(await headOf(repository))])) {
      take(await git(repository, ['ls-tree', '-r', '-z', head]), /^\d+ blob ([0-9a-f]+)\t(.*)$/s);
    }
  } else {
    const walk = [
      'log',
      '--all',
      '--reflog',
      '--full-history',
      '-m',
      '--root',
      '--no-renames',
      '--raw',
      '--no-abbrev',
      '-z',
      '--format=',
      '--',
      ...patterns,
    ];
    // Of a raw entry the path comes as an element of its own.
    const parts = (await git(repository, walk)).split('\0');
    for (const [i, part] of parts.entries()) {
      const found = /^\n?:\d+ \d+ [0-9a-f]+ ([0-9a-f]+) [A-Z]\d*$/.exec(part);
      if (found !== null && !/^0+$/.test(found[1]) && namesObjects(parts[i + 1])) blobs.add(found[1]);
    }
  }
  const named = new Set<ObjectName>();
  const all = [...blobs];
  for (let at = 0; at < all.length; at += blobsPerCall) {
    const text = await git(repository, ['cat-file', '--batch'], `${all.slice(at, at + blobsPerCall).join('\n')}\n`);
    for (const name of objectNamesIn(text)) named.add(name);
  }
  return named;
}

async function headOf(repository: string): Promise<string[]> {
  // A repository without a commit has none.
  const text = await git(repository, ['rev-parse', '--verify', '--quiet', 'HEAD']).catch(() => '');
  return text === '' ? [] : [text.trim()];
}
