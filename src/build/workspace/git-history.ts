import { execFile } from 'node:child_process';
import { basename, join } from 'node:path';
import { GyreError } from '#core';
import { parseDvcFile } from './dvc-file.ts';
import type { TrackedPath } from './port.ts';
import { findGit } from './root.ts';
import { pathsOf, relativePath } from './tracked.ts';

const mostBytes = 64 * 1024 * 1024;

/** @param input for its standard input @throws GyreError INVALID_ARGUMENT with git's words */
export async function git(folder: string, words: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile('git', ['-C', folder, ...words], { encoding: 'utf8', maxBuffer: mostBytes }, (error, out, complaint) => {
      if (error === null) resolve(out);
      else
        reject(
          new GyreError('INVALID_ARGUMENT', `git ${words[0]}: ${complaint.trim().split('\n')[0] || error.message}`, {}, { cause: error }),
        );
    });
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}

/** @throws GyreError FAILED_PRECONDITION outside of a git repository */
function repositoryOf(root: string): string {
  const repository = findGit(root);
  if (repository !== undefined) return repository;
  throw new GyreError('FAILED_PRECONDITION', `${root} is in no git repository: there is no history of .dvc files, only what they say now`);
}

/** The commit that a revision names. @throws GyreError INVALID_ARGUMENT when git knows none, FAILED_PRECONDITION without a repository */
export async function commitOf(root: string, revision: string): Promise<string> {
  const text = await git(repositoryOf(root), ['rev-parse', '--verify', '--end-of-options', `${revision}^{commit}`]).catch(
    (cause: unknown) => {
      throw new GyreError('INVALID_ARGUMENT', `git knows no revision "${revision}"`, { revision }, { cause });
    },
  );
  return text.trim();
}

/** What was tracked at a commit. */
export async function trackedAt(root: string, commit: string): Promise<TrackedPath[]> {
  const repository = repositoryOf(root);
  const names = (await git(repository, ['ls-tree', '-r', '-z', '--name-only', commit])).split('\0');
  const files = names.filter(
    (name) => name.endsWith('.dvc') && basename(name) !== '.dvc' && !relativePath(root, join(repository, name)).startsWith('../'),
  );
  const found: TrackedPath[] = [];
  for (const name of files) {
    const file = join(repository, name);
    found.push(...pathsOf(root, parseDvcFile(await git(repository, ['show', `${commit}:${name}`]), file)));
  }
  return found;
}

/** One commit that changed a `.dvc` file. */
export interface RecordedVersion {
  readonly commit: string;
  readonly author: string;
  readonly at: string;
  readonly subject: string;
  /** Undefined where the commit took the path out. */
  readonly tracked?: TrackedPath;
}

/** The versions of a tracked path in git's history, newest first; empty outside of a git repository. */
export async function historyOf(root: string, { file, path }: TrackedPath, limit: number): Promise<RecordedVersion[]> {
  const repository = findGit(root);
  if (repository === undefined) return [];
  const name = relativePath(repository, file);
  const separator = '\u001f';
  const format = ['%H', '%an', '%aI', '%s'].join('%x1f');
  const text = await git(repository, ['log', `-n${limit}`, `--format=${format}`, '--', name]).catch(() => '');
  const versions: RecordedVersion[] = [];
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const [commit, author, at, subject] = line.split(separator);
    const content = await git(repository, ['show', `${commit}:${name}`]).catch(() => undefined);
    const tracked = content === undefined ? undefined : pathsOf(root, parseDvcFile(content, file)).find((each) => each.path === path);
    versions.push({ commit, author, at: new Date(at).toISOString(), subject, ...(tracked === undefined ? {} : { tracked }) });
  }
  return versions;
}
