import type { Command } from 'commander';
import type { Bind } from '../../verb.ts';
import { examples } from '../../verb.ts';
import { sizeText } from '../../work-progress.ts';
import { sayCheckedOut } from './checkout.ts';
import { counted, inWorkspace } from './in-workspace.ts';

/** Objects to a remote and back. */
export function registerDataTransfer(data: Command, bind: Bind): void {
  data
    .command('push')
    .description('Copies objects that the remote lacks; broken off, the next push goes on where it was.')
    .argument('[paths...]', 'all that are tracked without it')
    .option('-r, --remote <name>', 'the default remote without it')
    .addHelpText('after', examples('gyre data push', 'gyre data push images/ --remote backup'))
    .action(
      bind<{ remote?: string }>((cli, given, ...paths) =>
        inWorkspace(cli, async ({ workspace, options }) => {
          const pushed = await workspace.push(paths, { ...options, ...given });
          cli.output.facts(pushed, () =>
            cli.output.line(
              `${counted(pushed.pushed, 'object')} pushed to "${pushed.remote}" (${sizeText(pushed.bytes)}), ${pushed.present.toLocaleString('en-US')} were there`,
            ),
          );
        }),
      ),
    );
  data
    .command('pull')
    .description('Fetches objects that the cache lacks or holds damaged, and checks out.')
    .argument('[paths...]', 'all that are tracked without it')
    .option('-r, --remote <name>', 'the default remote without it')
    .option('-f, --force', 'give up changes that were never added')
    .addHelpText('after', examples('git pull && gyre data pull', 'gyre data pull images/ --remote backup'))
    .action(
      bind<{ remote?: string; force?: boolean }>((cli, given, ...paths) =>
        inWorkspace(cli, async ({ workspace, options }) => sayCheckedOut(cli, await workspace.pull(paths, { ...options, ...given }))),
      ),
    );
}
