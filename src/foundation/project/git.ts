import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { GyreError } from '#core';

const execute = promisify(execFile);
/** What git says at most. */
const mostBytes = 32 * 1024 * 1024;

export interface GitOptions {
  /** An index other than the repository's own. */
  readonly index?: string;
  /** Where objects are written instead of into the repository, and whose objects are read beside: the folder, and that of the repository's objects. */
  readonly objects?: { readonly folder: string; readonly beside: string };
  /** Bytes of its output; more is an error. Default 32 MiB. */
  readonly mostBytes?: number;
  readonly signal?: AbortSignal;
  /** What it reads from its standard input. Default: nothing. */
  readonly input?: string;
}

/** Git's output. @throws what `execFile` throws when git ends otherwise, with its words in `stderr` */
export async function git(folder: string, args: readonly string[], options: GitOptions = {}): Promise<Buffer> {
  const running = execute('git', ['-C', folder, ...args], {
    maxBuffer: options.mostBytes ?? mostBytes,
    encoding: 'buffer',
    env: { ...gitEnvironment(options.index), ...objectsOf(options) },
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  if (options.input !== undefined) {
    // Git that ends before it has read all says why itself.
    running.child.stdin?.on('error', () => undefined).end(options.input);
  }
  return (await running).stdout;
}

function objectsOf({ objects }: GitOptions): NodeJS.ProcessEnv {
  return objects === undefined ? {} : { GIT_OBJECT_DIRECTORY: objects.folder, GIT_ALTERNATE_OBJECT_DIRECTORIES: objects.beside };
}

const pointingElsewhere = new Set([
  'GIT_DIR',
  'GIT_WORK_TREE',
  'GIT_INDEX_FILE',
  'GIT_OBJECT_DIRECTORY',
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_COMMON_DIR',
  'GIT_NAMESPACE',
  'GIT_PREFIX',
]);

/** Ours without what would point git elsewhere: a hook that starts `gyre` sets GIT_DIR. How git reaches a server (GIT_SSH_COMMAND) stays. */
export function gitEnvironment(index?: string): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !pointingElsewhere.has(name));
  return {
    ...Object.fromEntries(own),
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
    ...(index === undefined ? {} : { GIT_INDEX_FILE: index }),
  };
}

/** What git said when it did not do what was asked; undefined for an error that is not git's. */
export function gitWords(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('stderr' in error)) return undefined;
  const words = String(error.stderr).trim();
  return words === '' ? error.message : words.replaceAll(/^(fatal|error): /gm, '');
}

/** Whether git's output was longer than allowed. */
export function isTooLong(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER';
}

/** A commit's name as git writes it, in full or shortened. */
export function isCommitName(text: string): boolean {
  return /^[0-9a-f]{7,64}$/.test(text);
}

/** The root of the repository that holds a folder; undefined when none does. @throws GyreError FAILED_PRECONDITION without git */
export async function repositoryOf(folder: string): Promise<string | undefined> {
  try {
    return (await git(folder, ['rev-parse', '--show-toplevel'])).toString('utf8').replace(/\n$/, '');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      throw new GyreError('FAILED_PRECONDITION', 'there is no git on this machine: it is needed for code', {}, { cause: error });
    return undefined;
  }
}

/** Whether a repository has a commit. */
export async function hasCommit(folder: string, commit: string): Promise<boolean> {
  if (!isCommitName(commit)) return false;
  try {
    await git(folder, ['cat-file', '-e', `${commit}^{commit}`]);
    return true;
  } catch {
    return false;
  }
}
