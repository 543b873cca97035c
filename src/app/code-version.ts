import { spawn } from 'node:child_process';
import { copyFile, mkdtemp, rm, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import type { CodeVersion } from '#contract';
import type { BlobStore } from '#blobs';
import { GyreError } from '#core';
import { git, gitEnvironment, isTooLong } from '#project';

/** A file that git does not know is taken into the patch up to this size: code is, data belongs into a dataset version. */
const newFileLimit = 1024 * 1024;

export interface CodeVersionOptions {
  readonly blobs: BlobStore;
  /** A folder for files that last as long as the call. */
  readonly temporary: string;
  /** A folder that is no code: the data folder. */
  readonly ignored: string;
}

/**
 * The commit of the user's repository that holds a folder, and whether files under the folder differ from it.
 * A dirty tree is stored as a patch (binary-safe `git diff HEAD`, new files with it, paths from the repository's root), so that the code of
 * the run can be had again with `git apply`.
 */
export async function codeVersion(folder: string, options: CodeVersionOptions): Promise<CodeVersion> {
  const { blobs, temporary, ignored } = options;
  let commit: string;
  try {
    commit = (await git(folder, ['rev-parse', 'HEAD'])).toString('utf8').trim();
  } catch {
    return { commit: null, dirty: false };
  }
  const inside = relative(resolve(folder), resolve(ignored));
  const paths = ['--', '.', ...(inside === '' || inside.startsWith('..') || isAbsolute(inside) ? [] : [`:(exclude,literal)${inside}`])];
  if ((await git(folder, ['status', '--porcelain', ...paths])).length === 0) return { commit, dirty: false };
  const scratch = await mkdtemp(join(temporary, 'code-'));
  try {
    const patch = await patchOf(folder, paths, join(scratch, 'index'));
    if (patch.length === 0) return { commit, dirty: true };
    return { commit, dirty: true, patch: (await blobs.put(patch)).digest };
  } catch (error) {
    // Beyond what git may say at once it is no code change; it is recorded as dirty without the patch.
    if (isTooLong(error)) return { commit, dirty: true };
    throw error;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** The difference from HEAD, made on a copy of the index: the user's own is not touched, and no object is written. */
async function patchOf(folder: string, paths: readonly string[], index: string): Promise<Buffer> {
  const own = (await git(folder, ['rev-parse', '--path-format=absolute', '--git-path', 'index'])).toString('utf8').trim();
  await copyFile(own, index);
  const others = (await git(folder, ['ls-files', '--others', '--exclude-standard', '-z', ...paths])).toString('utf8').split('\0');
  const small: string[] = [];
  for (const path of others) {
    if (path !== '' && (await stat(join(folder, path))).size <= newFileLimit) small.push(path);
  }
  if (small.length > 0) await announceNew(folder, index, small);
  const plain = ['--no-color', '--no-ext-diff', '--no-textconv', '--no-relative', '--src-prefix=a/', '--dst-prefix=b/'];
  return git(folder, ['diff', '--binary', ...plain, 'HEAD', ...paths], { index });
}

/** Names new files in the index (`add --intent-to-add`), so that `diff` shows them. */
async function announceNew(folder: string, index: string, files: readonly string[]): Promise<void> {
  const child = spawn('git', ['-C', folder, 'add', '--intent-to-add', '--pathspec-from-file=-', '--pathspec-file-nul'], {
    env: { ...gitEnvironment(index), GIT_LITERAL_PATHSPECS: '1' },
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(files.join('\0'));
  const said = text(child.stderr);
  const code = await new Promise<number | null>((settle, reject) => {
    child.once('error', reject);
    child.once('close', settle);
  });
  if (code !== 0) throw new GyreError('INTERNAL', `git add --intent-to-add in ${folder} ended with ${code}: ${(await said).trim()}`);
}
