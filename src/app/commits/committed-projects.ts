import { existsSync } from 'node:fs';
import { mkdir, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GyreError, messageOf } from '#core';
import { git, gitWords, hasCommit, loadProject, repositoryOf, type LoadedProject } from '#project';

export interface CommittedProjectsOptions {
  /** The project's folder: absolute, in a git repository where commits are asked for. */
  readonly projectFolder: string;
  /** Where folders of commits are made. */
  readonly folder: string;
  /** The file that the project is written in: only where that is code, a commit's may be. */
  readonly file: () => string;
  /** Aborts what git still does when the platform closes. */
  readonly closing: AbortSignal;
}

/** The project as commits have it, each in a folder of its own beside the one that people work in. */
export interface CommittedProjects {
  /** Whether the project's folder itself is at this commit, and no file that git knows differs from it. */
  isHere(commit: string): Promise<boolean>;
  /** The commit of the project's folder; undefined outside of a repository. */
  head(): Promise<string | undefined>;
  /**
   * The project of a commit, for which the branches of `origin` are fetched where no branch here has it.
   * @throws GyreError FAILED_PRECONDITION without a repository, and for a gyre.ts where this project has none; NOT_FOUND for a commit that is nowhere; PERMISSION_DENIED for one that is on no branch; INVALID_ARGUMENT when its gyre.yaml is wrong
   */
  open(commit: string): Promise<LoadedProject>;
  /** Whether a branch of `origin` has a commit; where there is no `origin`, the repository's own branch. */
  isOnBranch(commit: string, branch: string): Promise<boolean>;
  /** Takes away the folders of all commits but those under way, which are asked for when no folder is being made. */
  keepOnly(underWay: () => Promise<ReadonlySet<string>>): Promise<void>;
}

/** A commit may bring hooks of its own, and is not to run any of the repository's. */
const noHooks = ['-c', 'core.hooksPath=/dev/null'];
const fetchMs = 120_000;
const layOutMs = 30 * 60_000;
/** In the git folder of a work tree that has all of its files: git writes its HEAD before them. */
const wholeMark = 'gyre-laid-out';

export function committedProjects({ projectFolder, folder, file, closing }: CommittedProjectsOptions): CommittedProjects {
  const opened = new Map<string, LoadedProject>();
  let turn: Promise<unknown> = Promise.resolve();
  /** One after another: git locks what it writes about work trees, and no folder goes while one is made. */
  const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
    const done = turn.then(work);
    turn = done.catch(() => undefined);
    return done;
  };
  const within = (ms: number): AbortSignal => AbortSignal.any([closing, AbortSignal.timeout(ms)]);

  const requireRepository = async (): Promise<string> => {
    const root = await repositoryOf(projectFolder);
    if (root !== undefined) return root;
    throw new GyreError('FAILED_PRECONDITION', `${projectFolder} is in no git repository: commits cannot be checked there`);
  };

  const openOnce = async (commit: string): Promise<LoadedProject> => {
    const root = await requireRepository();
    await requireBranch(root, commit, within(fetchMs));
    const place = join(folder, commit);
    if (!(await isWhole(place, commit))) {
      await rm(place, { recursive: true, force: true });
      await mkdir(folder, { recursive: true });
      await git(root, ['worktree', 'prune']);
      // Forced twice: one that was cut off leaves its entry locked.
      try {
        await git(root, [...noHooks, 'worktree', 'add', '--quiet', '--force', '--force', '--detach', place, commit], {
          signal: within(layOutMs),
        });
        await writeFile(join(await gitFolderOf(place), wholeMark), '');
      } catch (error) {
        throw new GyreError('FAILED_PRECONDITION', `commit ${commit.slice(0, 12)} could not be laid out: ${gitWords(error) ?? messageOf(error)}`, {}, { cause: error }); // prettier-ignore
      }
    }
    const laidOut = join(place, await lineOf(projectFolder, ['rev-parse', '--show-prefix']));
    // It is executed where it is read, which is here, and whoever may commit is not whoever runs this platform.
    if (file() !== 'gyre.ts' && existsSync(join(laidOut, 'gyre.ts')))
      throw new GyreError('FAILED_PRECONDITION', `commit ${commit.slice(0, 12)} has a gyre.ts, whose code would run in the server: this project is written in ${file()}`); // prettier-ignore
    return loadProject(laidOut);
  };

  return {
    head: () => git(projectFolder, ['rev-parse', 'HEAD']).then((out) => out.toString('utf8').trim(), () => undefined), // prettier-ignore
    isHere: async (commit) => {
      const head = await git(projectFolder, ['rev-parse', 'HEAD']).then((out) => out.toString('utf8').trim(), () => ''); // prettier-ignore
      if (head !== commit) return false;
      return (await git(projectFolder, ['status', '--porcelain', '--untracked-files=no', '--', '.'])).length === 0;
    },
    open: (commit) =>
      inTurn(async () => {
        const project = opened.get(commit) ?? (await openOnce(commit));
        opened.set(commit, project);
        return project;
      }),
    isOnBranch: (commit, branch) => inTurn(() => isOnBranch(projectFolder, commit, branch, within(fetchMs))),
    keepOnly: (underWay) =>
      inTurn(async () => {
        const there = await readdir(folder).catch(() => []);
        const kept = await underWay();
        const gone = there.filter((name) => !kept.has(name));
        if (gone.length === 0) return;
        for (const commit of gone) {
          opened.delete(commit);
          await rm(join(folder, commit), { recursive: true, force: true });
        }
        await git(projectFolder, ['worktree', 'prune']).catch(() => undefined);
      }),
  };
}

async function lineOf(folder: string, args: readonly string[]): Promise<string> {
  return (await git(folder, args)).toString('utf8').replace(/\n$/, '');
}

async function gitFolderOf(place: string): Promise<string> {
  return lineOf(place, ['rev-parse', '--absolute-git-dir']);
}

async function isWhole(place: string, commit: string): Promise<boolean> {
  try {
    const [head, root] = (await lineOf(place, ['rev-parse', 'HEAD', '--show-toplevel'])).split('\n');
    return head === commit && root === (await realpath(place)) && existsSync(join(await gitFolderOf(place), wholeMark));
  } catch {
    return false;
  }
}

async function hasOrigin(root: string): Promise<boolean> {
  return git(root, ['remote', 'get-url', 'origin']).then(() => true, () => false); // prettier-ignore
}

/** Branches alone: by its name, the origin would give a commit of anybody's fork as well. */
async function fetchBranches(root: string, signal: AbortSignal): Promise<void> {
  const words = ['fetch', '--quiet', '--no-tags', '--no-recurse-submodules', 'origin', '+refs/heads/*:refs/remotes/origin/*'];
  await git(root, [...noHooks, '-c', 'credential.interactive=false', ...words], { signal });
}

async function isOnAnyBranch(root: string, commit: string): Promise<boolean> {
  if (!(await hasCommit(root, commit))) return false;
  return (await lineOf(root, ['for-each-ref', '--count=1', '--contains', commit, 'refs/remotes/origin', 'refs/heads'])) !== '';
}

async function requireBranch(root: string, commit: string, signal: AbortSignal): Promise<void> {
  if (await isOnAnyBranch(root, commit)) return;
  const short = commit.slice(0, 12);
  let problem = 'it has no origin';
  if (await hasOrigin(root)) {
    problem = 'no branch of its origin has it';
    try {
      await fetchBranches(root, signal);
    } catch (error) {
      problem = `its origin does not give it: ${gitWords(error) ?? messageOf(error)}`;
    }
    if (await isOnAnyBranch(root, commit)) return;
  }
  if (await hasCommit(root, commit))
    throw new GyreError('PERMISSION_DENIED', `commit ${short} is on no branch of this project’s repository or its origin: only what was pushed to a branch there is run`, { commit }); // prettier-ignore
  throw new GyreError('NOT_FOUND', `commit ${short} is not in the repository of this project, and ${problem}`, { commit });
}

async function isOnBranch(folder: string, commit: string, branch: string, signal: AbortSignal): Promise<boolean> {
  const isRemote = await hasOrigin(folder);
  // Without the origin, what was fetched before decides.
  if (isRemote) await fetchBranches(folder, signal).catch(() => undefined);
  const ref = isRemote ? `refs/remotes/origin/${branch}` : `refs/heads/${branch}`;
  return git(folder, ['merge-base', '--is-ancestor', commit, ref]).then(() => true, () => false); // prettier-ignore
}
