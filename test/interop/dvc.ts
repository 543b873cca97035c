/** The real `dvc` and Gyre's command line, as users of one repository call them. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { program } from '../harness/gyre-fixture.ts';

const run = promisify(execFile);
const checkout = resolve(import.meta.dirname, '../..');
const bin = join(process.env.GYRE_TEST_VENV ?? join(checkout, '.venv'), 'bin');

/** Why the real DVC cannot run here, or false: for the `skip` of a test. */
export const dvcMissing: string | false =
  existsSync(join(bin, 'dvc')) || process.env.GYRE_REQUIRE_ALL === '1' ? false : `no dvc in ${bin}: .ci/run installs it`;

export interface Ran {
  readonly code: number;
  readonly out: string;
}

async function ran(program: string, words: readonly string[], folder: string): Promise<Ran> {
  const env = { ...process.env, DVC_NO_ANALYTICS: '1', NO_COLOR: '1', GIT_CONFIG_GLOBAL: '/dev/null' };
  try {
    const { stdout, stderr } = await run(program, words, { cwd: folder, env, encoding: 'utf8', timeout: 120_000 });
    return { code: 0, out: stdout + stderr };
  } catch (error) {
    if (error instanceof Error && 'stdout' in error && 'stderr' in error && 'code' in error && typeof error.code === 'number') {
      return { code: error.code, out: String(error.stdout) + String(error.stderr) };
    }
    throw error;
  }
}

/** A folder with git, and the programs run in it. */
export interface Repository extends AsyncDisposable {
  readonly folder: string;
  dvc(...words: string[]): Promise<Ran>;
  gyre(...words: string[]): Promise<Ran>;
  git(...words: string[]): Promise<Ran>;
  /** Another clone, with the same committed files. */
  clone(): Promise<Repository>;
}

export async function openRepository(from?: string): Promise<Repository> {
  const parent = await realpath(await mkdtemp(join(tmpdir(), 'gyre-dvc-')));
  const folder = join(parent, 'work');
  await ran('git', from === undefined ? ['init', '-q', folder] : ['clone', '-q', from, folder], parent);
  const git = (...words: string[]): Promise<Ran> =>
    ran('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', ...words], folder);
  return {
    folder,
    dvc: (...words) => ran(join(bin, 'dvc'), words, folder),
    gyre: (...words) => ran(process.execPath, [program, ...words], folder),
    git,
    clone: () => openRepository(folder),
    [Symbol.asyncDispose]: () => rm(parent, { recursive: true, force: true }),
  };
}
