import type { Workspace } from '#workspace';
import type { Cli } from '../../cli.ts';
import { countOf, progressLine } from '../../work-progress.ts';

/** What verbs on data files hand to the workspace: Ctrl-C, progress, and a word when another process is waited for. */
export interface Work {
  readonly workspace: Workspace;
  readonly options: Parameters<Workspace['add']>[1];
}

/** Works on the data files of the folder that the verb was called in, in this very process. Paths are relative to that folder. */
export async function inWorkspace<T>(cli: Cli, work: (work: Work) => Promise<T>): Promise<T> {
  const { openWorkspace } = await import('#workspace');
  using progress = progressLine(cli);
  return await work({
    workspace: openWorkspace(cli.options.project === undefined ? cli.host.folder : cli.projectFolder, {
      s3: async (overrides) => (await cli.host.app()).s3Access(cli.host.environment, overrides),
    }),
    options: {
      signal: cli.host.signal,
      onProgress: progress.show,
      onWait: () => cli.output.note('another process works in this workspace: waiting for it'),
    },
  });
}

/** Files or objects, in the right number. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${countOf(count)} ${count === 1 ? one : many}`;
}

/** The first few of a list, for people; the rest as a number. */
export function fewOf(cli: Cli, sign: string, items: readonly string[], most = 10): void {
  for (const item of items.slice(0, most)) cli.output.line(`  ${sign} ${item}`);
  if (items.length > most) cli.output.line(cli.output.style('dim', `    and ${countOf(items.length - most)} more (--json shows all)`));
}
