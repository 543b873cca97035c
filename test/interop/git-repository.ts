/** Git repositories with the real `git lfs`, in a home of their own: the settings of the machine's user do not count. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Why there is no `git lfs` here, or false: for the `skip` of a test. With GYRE_REQUIRE_ALL=1 nothing is skipped. */
export const gitLfsMissing: string | false =
  isThere() || process.env['GYRE_REQUIRE_ALL'] === '1' ? false : 'git-lfs is not installed: .ci/run installs it from Debian';

function isThere(): boolean {
  try {
    execFileSync('git', ['lfs', 'version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export interface GitEnded {
  readonly code: number;
  /** Standard output and error, as they came. */
  readonly said: string;
}

/** A folder with repositories, and the environment that git runs in. */
export class GitPlace {
  readonly folder: string;
  readonly #env: NodeJS.ProcessEnv;

  private constructor(folder: string) {
    this.folder = folder;
    const own = Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_') && !name.startsWith('GYRE_'));
    this.#env = {
      ...Object.fromEntries(own),
      HOME: join(folder, 'home'),
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_TERMINAL_PROMPT: '0',
      NO_COLOR: '1',
    };
  }

  static async open(folder: string): Promise<GitPlace> {
    const place = new GitPlace(folder);
    await mkdir(join(folder, 'home'), { recursive: true });
    for (const [name, value] of [
      ['user.name', 'test'],
      ['user.email', 'test@example.org'],
      ['init.defaultBranch', 'main'],
      // Git packs many new objects in the background, under the eyes of a `git lfs push` that then misses them.
      ['gc.auto', '0'],
      ['maintenance.auto', 'false'],
    ]) {
      await place.git('.', 'config', '--global', name, value);
    }
    await place.git('.', 'lfs', 'install');
    return place;
  }

  /** Runs git in a folder below, to its end. */
  try(repository: string, words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<GitEnded> {
    return new Promise((resolve) => {
      const options = { cwd: join(this.folder, repository), env: { ...this.#env, ...env }, maxBuffer: 256 * 1024 * 1024 };
      execFile('git', words, options, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 1, said: stdout + stderr });
      });
    });
  }

  /** Runs git, which must end well. @returns what it said */
  async git(repository: string, ...words: readonly string[]): Promise<string> {
    const { code, said } = await this.try(repository, words);
    assert.equal(code, 0, `git ${words.join(' ')}: ${said}`);
    return said;
  }

  /** A repository `name` that keeps `*.bin` in Git LFS, and the bare `name.git` that it pushes to. */
  async repository(name: string): Promise<string> {
    await this.git('.', 'init', '--quiet', '--bare', `${name}.git`);
    await this.git('.', 'init', '--quiet', name);
    await this.git(name, 'remote', 'add', 'origin', join(this.folder, `${name}.git`));
    await this.git(name, 'lfs', 'track', '*.bin');
    return join(this.folder, name);
  }

  /** Writes files and commits them. */
  async commit(repository: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(join(this.folder, repository, path, '..'), { recursive: true });
      await writeFile(join(this.folder, repository, path), content);
    }
    await this.git(repository, 'add', '--all');
    await this.git(repository, 'commit', '--quiet', '--message', 'as it is');
  }
}
