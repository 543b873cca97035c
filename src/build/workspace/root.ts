import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { parseConfig } from './config-file.ts';
import type { ConfigSection } from './config-file.ts';
import type { LinkType } from './place-files.ts';
import { replaceFile } from './replace-file.ts';

/** A working folder as its `.dvc` folder describes it. */
export interface WorkspaceRoot {
  /** Absolute. */
  readonly path: string;
  /** Absolute: where objects are kept. */
  readonly cache: string;
  /** In the order in which they are tried; `copy` is always the last. */
  readonly linkTypes: readonly LinkType[];
  /** Whether `.gitignore` entries are written. */
  readonly git: boolean;
}

/** The nearest folder from here upwards that has a `.dvc` folder. */
export function findRoot(folder: string): string | undefined {
  return ancestor(folder, (each) => statSync(join(each, '.dvc'), { throwIfNoEntry: false })?.isDirectory() === true);
}

function ancestor(folder: string, test: (folder: string) => boolean): string | undefined {
  for (let each = resolve(folder); ; each = dirname(each)) {
    if (test(each)) return each;
    if (each === dirname(each)) return undefined;
  }
}

/** The folder of the git repository that a folder lies in. */
export function findGit(folder: string): string | undefined {
  return ancestor(folder, (each) => existsSync(join(each, '.git')));
}

/**
 * Makes the `.dvc` folder as `dvc init` does: at the nearest Gyre project or git repository, or right here where there is neither.
 * @returns the root's path
 */
export function initRoot(folder: string): string {
  const root = ancestor(folder, (each) => existsSync(join(each, 'gyre.yaml')) || existsSync(join(each, '.git'))) ?? resolve(folder);
  const git = findGit(root);
  const settings = git === undefined ? ['    no_scm = True'] : [];
  if (git !== undefined) replaceFile(join(root, '.dvc', '.gitignore'), '/config.local\n/tmp\n/cache\n');
  mkdirSync(join(root, '.dvc', 'tmp'), { recursive: true });
  const ignoreFile = join(root, '.dvcignore');
  if (!existsSync(ignoreFile))
    replaceFile(ignoreFile, '# Paths that are left out of tracked folders, as patterns in the way of .gitignore.\n');
  // Last: a folder without it is not yet one of DVC's.
  replaceFile(join(root, '.dvc', 'config'), settings.length === 0 ? '' : `[core]\n${settings.join('\n')}\n`);
  return root;
}

/** The settings of `.dvc/config` with those of `.dvc/config.local`, which git does not see, on top. */
export function configOf(root: string): ConfigSection[] {
  return ['config', 'config.local'].flatMap((name) => parseConfig(textOf(join(root, '.dvc', name))));
}

/** The last value that the sections of a name give to a key. */
export function settingOf(sections: readonly ConfigSection[], section: string, key: string): string | undefined {
  return sections.findLast(({ name, values }) => name === section && values.has(key))?.values.get(key);
}

export function openRoot(path: string): WorkspaceRoot {
  const config = configOf(path);
  const cache = settingOf(config, 'cache', 'dir') ?? 'cache';
  const wanted = (settingOf(config, 'cache', 'type') ?? 'reflink,copy').split(',').map((word) => word.trim());
  const linkTypes = wanted.filter((word) => word === 'reflink' || word === 'hardlink' || word === 'symlink' || word === 'copy');
  return {
    path,
    cache: isAbsolute(cache) ? cache : resolve(path, '.dvc', cache),
    linkTypes: linkTypes.includes('copy') ? linkTypes : [...linkTypes, 'copy'],
    git: !/^true$/i.test(settingOf(config, 'core', 'no_scm') ?? '') && findGit(path) !== undefined,
  };
}

/** Whether git itself tracks a path: then it must not be tracked here as well. */
export function isTrackedByGit(root: string, path: string): boolean {
  try {
    return execFileSync('git', ['-C', root, 'ls-files', '--', path], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }) !== '';
  } catch {
    return false;
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
