import type { Command } from 'commander';
import { when } from '../../output.ts';
import { whole } from '../../verb.ts';
import type { Bind } from '../../verb.ts';
import { examples } from '../../verb.ts';
import { sizeText } from '../../work-progress.ts';
import { inWorkspace } from './in-workspace.ts';

/** The versions of a path. */
export function registerDataLog(data: Command, bind: Bind): void {
  data
    .command('log')
    .description('Lists the versions of a tracked file or folder: when, by whom, what, from git’s history of its .dvc file.')
    .argument('<path>', 'the tracked file or folder')
    .option('--limit <n>', 'at most so many', whole, 20)
    .addHelpText('after', examples('gyre data log images/'))
    .action(
      bind<{ limit: number }>((cli, { limit }, path) =>
        inWorkspace(cli, async ({ workspace }) => {
          const versions = (await workspace.log(path, limit)).map(({ tracked, ...rest }) => ({
            ...rest,
            object: tracked?.out.object,
            files: tracked?.out.files,
            size: tracked?.out.size,
          }));
          cli.output.facts(versions, () =>
            cli.output.table(
              versions,
              [
                { title: 'COMMIT', of: ({ commit }) => commit.slice(0, 10) },
                { title: 'WHEN', of: ({ at }) => when(at) },
                { title: 'WHO', of: ({ author }) => author },
                { title: 'OBJECT', of: ({ object }) => object ?? 'removed' },
                { title: 'FILES', of: ({ files, object }) => files ?? (object === undefined ? undefined : 1), align: 'right' },
                { title: 'SIZE', of: ({ size }) => (size === undefined ? undefined : sizeText(size)), align: 'right' },
                { title: 'WHY', of: ({ subject }) => subject },
              ],
              'no commit has it yet',
            ),
          );
        }),
      ),
    );
}
