import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CodeChanges, Run } from '#contract';
import { git, hasCommit, isCommitName, isTooLong, repositoryOf } from '#project';
import type { GitOptions } from '#project';
import { ownRunId } from '#training';
import type { ApiDeps } from '../port.ts';

/** Characters of a difference that are shown. */
const mostShown = 1_000_000;
const mostFiles = 1000;
const plain = ['--no-color', '--no-ext-diff', '--no-textconv', '--relative'];

/**
 * How the code of two runs differs: their commits with what was not committed, in the project's repository and there in the project's folder.
 * Nothing is written into the repository.
 */
export async function codeChanges(
  { training, project }: Pick<ApiDeps, 'training' | 'project'>,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<CodeChanges> {
  const [first, second] = [await training.getRun(ownRunId(from)), await training.getRun(ownRunId(to))];
  const ends = { from: first.id, to: second.id };
  const { folder } = project.current();
  const unknown = await whyUnknown(folder, [first, second]);
  if (unknown !== undefined) return { ...ends, unknown, files: [], diff: '', cut: false };
  const scratch = await mkdtemp(join(tmpdir(), 'gyre-code-'));
  try {
    const beside = (await git(folder, ['rev-parse', '--path-format=absolute', '--git-path', 'objects'])).toString('utf8').trim();
    const objects = { folder: join(scratch, 'objects'), beside };
    await mkdir(objects.folder);
    const trees = await Promise.all(
      [first, second].map((run, at) => treeOf(run, { training, folder, objects, scratch: join(scratch, String(at)) })),
    );
    const counts = await git(folder, ['diff', '--numstat', '-z', '--no-renames', ...plain, ...trees, '--', '.'], { objects });
    const diff = await shownDiff(folder, trees, objects);
    return { ...ends, files: filesOf(counts.toString('utf8')), diff: diff.slice(0, mostShown), cut: diff.length > mostShown };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function whyUnknown(folder: string, runs: readonly Run[]): Promise<string | undefined> {
  if ((await repositoryOf(folder)) === undefined) return 'the project is in no git repository';
  for (const { id, name, code } of runs) {
    const shown = name === '' ? id : `"${name}"`;
    if (code.commit === null) return `of ${shown} no commit is on record`;
    if (!isCommitName(code.commit) || !(await hasCommit(folder, code.commit)))
      return `commit ${code.commit.slice(0, 12)} of ${shown} is not in the project’s repository`;
  }
  return undefined;
}

type Objects = NonNullable<GitOptions['objects']>;

/** The tree of a run's code: that of its commit, with the changes that were not committed. */
async function treeOf(
  run: Run,
  {
    training,
    folder,
    objects,
    scratch,
  }: Pick<ApiDeps, 'training'> & { readonly folder: string; readonly objects: Objects; readonly scratch: string },
): Promise<string> {
  const commit = run.code.commit ?? '';
  if (run.code.patch === undefined) return `${commit}^{tree}`;
  const [index, patch] = [`${scratch}.index`, `${scratch}.patch`];
  await writeFile(patch, await training.readPatch(run.id));
  const root = (await git(folder, ['rev-parse', '--show-toplevel'])).toString('utf8').replace(/\n$/, '');
  await git(root, ['read-tree', commit], { index, objects });
  await git(root, ['apply', '--cached', '--whitespace=nowarn', patch], { index, objects });
  return (await git(root, ['write-tree'], { index, objects })).toString('utf8').trim();
}

async function shownDiff(folder: string, trees: readonly string[], objects: Objects): Promise<string> {
  try {
    return (await git(folder, ['diff', ...plain, ...trees, '--', '.'], { objects })).toString('utf8');
  } catch (error) {
    if (isTooLong(error)) return 'The difference is too long to be shown.\n';
    throw error;
  }
}

/** `added TAB removed TAB path NUL`; a dash for what is no text. */
function filesOf(counts: string): CodeChanges['files'] {
  return counts
    .split('\0')
    .filter((line) => line !== '')
    .slice(0, mostFiles)
    .map((line) => {
      const [added = '', removed = '', ...path] = line.split('\t');
      return { path: path.join('\t'), added: Number(added) || 0, removed: Number(removed) || 0 };
    });
}
