import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Bench } from './testing.ts';

/** Runs git in the project's folder. */
export function git(bench: Bench, ...words: readonly string[]): string {
  const { folder } = bench.deps.project.current();
  return execFileSync('git', ['-C', folder, '-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', ...words], { encoding: 'utf8' });
}

/** Writes files into the project's folder. */
export async function writeFiles(bench: Bench, contents: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(contents)) {
    const file = join(bench.deps.project.current().folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}

/** Makes the project's folder a git repository with one file that a `.dvc` file tracks. @returns the id of the job that added it */
export async function versionFiles(bench: Bench, path: string): Promise<string> {
  git(bench, 'init', '-q', '-b', 'main');
  await writeFiles(bench, { [path]: 'the first version' });
  const { id } = await bench.deps.workspace.start({ verb: 'add', paths: [path], by: { identity: 'test', name: 'test' } });
  await bench.deps.workspace.wait(id);
  git(bench, 'add', `${path}.dvc`);
  git(bench, 'commit', '-q', '-m', 'notes');
  return id;
}
