/** A repository as CI has it: its origin, the clone that the platform's project lies in, and checkouts of a runner. */
import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { customers, projectText, type ProjectOptions } from '../e2e/house.ts';

export interface Repository {
  /** A bare repository. */
  readonly origin: string;
  /** Where the platform's project lies. */
  readonly project: string;
  /** Where somebody works, and a runner checks out. */
  readonly checkout: string;
  /** Runs git in the checkout. */
  git(...words: readonly string[]): string;
  /** Changes files of the checkout and commits them. @returns the commit */
  commit(message: string, files: Readonly<Record<string, (before: string) => string>>): Promise<string>;
  /** Commits to a branch that is made from the current one. */
  branch(name: string): void;
  push(): void;
}

const author = ['-c', 'user.name=test', '-c', 'user.email=test@example.org'];

/** @param folder empty, for all three @param yaml what follows the project's own text */
export async function newRepository(folder: string, yaml = '', options: ProjectOptions = {}): Promise<Repository> {
  const [origin, project, checkout] = ['origin.git', 'project', 'checkout'].map((name) => join(folder, name)) as [string, string, string];
  await mkdir(checkout, { recursive: true });
  const run = (where: string, ...words: readonly string[]): string =>
    execFileSync('git', ['-C', where, ...author, ...words], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  const git = (...words: readonly string[]): string => run(checkout, ...words);
  execFileSync('git', ['init', '-q', '--bare', '-b', 'main', origin]);
  git('init', '-q', '-b', 'main');
  git('remote', 'add', 'origin', origin);
  await writeFile(join(checkout, '.gitignore'), '.gyre/\n');
  // On a machine shared with others a stall of theirs would fail the load test, which is not what is asked here.
  const text = projectText({ latencyP99Ms: 60_000, ...options }).replace(
    'requestsPerSecond: 20, durationMs: 300',
    'requestsPerSecond: 2, durationMs: 2000',
  );
  await writeFile(join(checkout, 'gyre.yaml'), `${text}${yaml}`);
  await writeFile(join(checkout, 'customers.csv'), customers());
  const commitAll = (message: string): string => {
    git('add', '-A');
    git('commit', '-q', '-m', message);
    return git('rev-parse', 'HEAD');
  };
  commitAll('the shop');
  git('push', '-q', 'origin', 'main');
  execFileSync('git', ['clone', '-q', origin, project]);
  return {
    origin,
    project,
    checkout,
    git,
    commit: async (message, files) => {
      for (const [name, change] of Object.entries(files)) {
        const file = join(checkout, name);
        await writeFile(file, change(await readFile(file, 'utf8').catch(() => '')));
      }
      return commitAll(message);
    },
    branch: (name) => void git('checkout', '-q', '-b', name),
    push: () => void git('push', '-q', 'origin', 'HEAD'),
  };
}

/** The model learns less: the column that tells the most is left out. */
export const withoutVisits = (yaml: string): string => yaml.replace('exclude: [id]', 'exclude: [id, visits]');
