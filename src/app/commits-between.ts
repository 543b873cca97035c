import type { ReleaseDiff } from '#contract';
import { isoInstant } from '#core';
import { git, hasCommit } from '#project';

/** How many commits are named. */
const mostCommits = 50;

/**
 * The commits that lead from one to another, where a project's repository has both.
 * @param folder of the project
 */
export async function commitsBetween(folder: string, from: string, to: string): Promise<ReleaseDiff['commits']> {
  if (!(await hasCommit(folder, from)) || !(await hasCommit(folder, to))) return undefined;
  const range = `${from.slice(0, 12)}..${to.slice(0, 12)}`;
  const format = '--format=%H%x00%ct%x00%s';
  const said = (await git(folder, ['log', `--max-count=${mostCommits + 1}`, format, `${from}..${to}`])).toString('utf8');
  const items = said
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [commit = '', seconds = '0', subject = ''] = line.split('\0');
      return { commit, subject, at: isoInstant(Number(seconds) * 1000) };
    });
  return { range, items: items.slice(0, mostCommits), more: items.length > mostCommits };
}
