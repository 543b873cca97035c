import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import ignore from 'ignore';

/** The patterns of one `.dvcignore`, which speak of paths below its folder. */
export interface IgnoreFile {
  /** Absolute. */
  readonly folder: string;
  readonly patterns: string;
}

/** Told a path and whether it is a folder; true: it is left out. */
export type IsIgnored = (path: string, isFolder: boolean) => boolean;

/** What DVC always leaves out. */
const always: ReadonlySet<string> = new Set(['.git', '.hg', '.dvc']);

/** The `.dvcignore` files from the workspace's root down to the folder that a tracked path lies in. */
export function ignoreFilesFor(root: string, path: string): IgnoreFile[] {
  const files: IgnoreFile[] = [];
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const file = join(folder, '.dvcignore');
    if (existsSync(file)) {
      const patterns = readFileSync(file, 'utf8');
      if (/^\s*[^#\s]/m.test(patterns)) files.unshift({ folder, patterns });
    }
    if (folder === root || folder === dirname(folder)) return files;
  }
}

/** @param files the outermost first: an inner one may take back what an outer one said */
export function ignoreTest(files: readonly IgnoreFile[]): IsIgnored {
  const rules = files.map(({ folder, patterns }) => ({ folder, matcher: ignore({ allowRelativePaths: true }).add(patterns) }));
  const namedAlways = (path: string): boolean => always.has(path.slice(path.lastIndexOf(sep) + 1));
  if (rules.length === 0) return namedAlways;
  return (path, isFolder) => {
    if (namedAlways(path)) return true;
    let ignored = false;
    for (const { folder, matcher } of rules) {
      const { ignored: yes, unignored: no } = matcher.test(`${relative(folder, path)}${isFolder ? '/' : ''}`);
      if (yes) ignored = true;
      else if (no) ignored = false;
    }
    return ignored;
  };
}
