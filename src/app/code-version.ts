import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { CodeVersion } from '#contract';
import type { BlobStore } from '#blobs';

const execute = promisify(execFile);
/** A patch beyond this many bytes is no code change; it is recorded as dirty without the patch. */
const patchLimit = 32 * 1024 * 1024;

/**
 * The commit of the user's repository that holds a folder, and whether files under it differ from it.
 * A dirty tree is stored as a patch (binary-safe `git diff HEAD`), so that the code of the run can be had again.
 */
export async function codeVersion(folder: string, blobs: BlobStore): Promise<CodeVersion> {
  const git = async (...args: string[]): Promise<string> =>
    (await execute('git', ['-C', folder, ...args], { maxBuffer: patchLimit, env: { ...process.env, GIT_OPTIONAL_LOCKS: '0' } })).stdout;
  let commit: string;
  try {
    commit = (await git('rev-parse', 'HEAD')).trim();
  } catch {
    return { commit: null, dirty: false };
  }
  const dirty = (await git('status', '--porcelain', '--', '.')).trim() !== '';
  if (!dirty) return { commit, dirty: false };
  const patch = await git('diff', '--binary', 'HEAD', '--', '.');
  const stored = await blobs.put(Buffer.from(patch));
  return { commit, dirty: true, patch: stored.digest };
}
