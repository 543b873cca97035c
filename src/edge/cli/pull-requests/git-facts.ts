import { git, gitWords } from '#project';

/** How many commits of the base branch are offered to compare with. */
const mostCommits = 200;

export interface GitFacts {
  readonly commit: string;
  /** Files that git knows differ from the commit. */
  readonly dirty: boolean;
  /** Left out where no branch is checked out. */
  readonly branch?: string;
  /** Where the branches parted, and before that along first parents. */
  readonly base: readonly string[];
  /** What a reader should know of how the base was found. */
  readonly notes: readonly string[];
}

/**
 * What git says of a checkout. @param base the branch to compare with @param branch the branch that it is on, where somebody knows better
 * @returns undefined outside of a repository, or before its first commit
 */
export async function gitFacts(folder: string, base: string, branch: string | undefined): Promise<GitFacts | undefined> {
  const said = async (...words: readonly string[]): Promise<string | undefined> => {
    try {
      return (await git(folder, words)).toString('utf8').trim();
    } catch (error) {
      if (gitWords(error) !== undefined) return undefined;
      throw error;
    }
  };
  const commit = await said('rev-parse', '--verify', '--quiet', 'HEAD');
  if (commit === undefined) return undefined;
  const dirty = ((await said('status', '--porcelain', '--untracked-files=no', '--', '.')) ?? '') !== '';
  const checkedOut = branch ?? (await said('symbolic-ref', '--quiet', '--short', 'HEAD'));
  const isShallow = (await said('rev-parse', '--is-shallow-repository')) === 'true';
  const notes: string[] = [];
  const parted = await newestParting(said, base);
  if (parted === undefined) notes.push(`there is no branch ${base} here, nor at its origin, that this commit comes from`);
  const first = parted === commit ? await said('rev-parse', '--verify', '--quiet', 'HEAD^1') : parted;
  const listed = first === undefined ? '' : ((await said('rev-list', '--first-parent', `--max-count=${mostCommits}`, first)) ?? '');
  const commits = listed === '' ? [] : listed.split('\n');
  if (isShallow && commits.length < mostCommits)
    notes.push(
      'the checkout holds a part of the history only: fetch all of it (fetch-depth: 0, GIT_DEPTH: 0) to find the run to compare with',
    );
  return { commit, dirty, ...(checkedOut === undefined ? {} : { branch: checkedOut }), base: commits, notes };
}

/** Where HEAD parted from the base branch, be it here or at the origin: of both the later. */
async function newestParting(
  said: (...words: readonly string[]) => Promise<string | undefined>,
  base: string,
): Promise<string | undefined> {
  const found: string[] = [];
  for (const ref of [`refs/remotes/origin/${base}`, `refs/heads/${base}`]) {
    const parted = await said('merge-base', 'HEAD', ref);
    if (parted !== undefined && parted !== '') found.push(parted);
  }
  const [one, other] = found;
  if (one === undefined || other === undefined || one === other) return one;
  return (await said('merge-base', '--is-ancestor', one, other)) === undefined ? one : other;
}
