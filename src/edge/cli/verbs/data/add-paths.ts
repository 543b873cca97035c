import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Added } from '#workspace';
import type { Cli } from '../../cli.ts';
import { sizeText } from '../../work-progress.ts';
import { counted, inWorkspace } from './in-workspace.ts';

/** Whether an argument of `add` is a dataset's name in gyre.yaml; what is none is a path. */
export async function isDatasetName(cli: Cli, word: string): Promise<boolean> {
  const exists = existsSync(resolve(cli.host.folder, word));
  const hasProject = ['gyre.yaml', 'gyre.ts'].some((file) => existsSync(join(cli.projectFolder, file)));
  if (!hasProject || word.includes('/')) return hasProject && !exists;
  if (!exists) return true;
  const { checkProject } = await import('#project');
  const { project } = await checkProject(cli.projectFolder, { environment: cli.host.environment });
  return project?.resolved.datasets.some(({ name }) => name === word) ?? false;
}

/** `gyre data add PATH…` */
export async function addPaths(cli: Cli, paths: readonly string[]): Promise<void> {
  const added = await inWorkspace(cli, ({ workspace, options }) => workspace.add(paths, options));
  cli.output.facts(added, () => {
    for (const each of added) cli.output.line(addedText(each));
    const files = added.flatMap(({ dvcFile, gitignore, changed }) => [
      ...(changed ? [dvcFile] : []),
      ...(gitignore === undefined ? [] : [gitignore]),
    ]);
    if (files.length > 0) cli.output.note(cli.output.style('dim', `for git: ${[...new Set(files)].join(' ')}`));
  });
}

function addedText({ path, isFolder, files, size, object, changed, hashed, stored }: Added): string {
  const what = isFolder ? `${counted(files, 'file')}, ${sizeText(size)}` : sizeText(size);
  const work = hashed === 0 ? 'nothing had to be read' : `${counted(hashed, 'file')} read, ${counted(stored, 'object')} new in the cache`;
  return `${path}  ${object}  ${what}; ${changed ? '' : 'as before; '}${work}`;
}
