import type { Command } from 'commander';
import type { CheckedOut } from '#workspace';
import type { Cli } from '../../cli.ts';
import type { Bind } from '../../verb.ts';
import { examples } from '../../verb.ts';
import { checkoutVersion } from './checkout-version.ts';
import { counted, inWorkspace } from './in-workspace.ts';

/** The workspace as recorded. */
export function registerDataCheckout(data: Command, bind: Bind): void {
  data
    .command('checkout')
    .description(
      'Makes tracked files and folders what their .dvc files say, from the cache; what it lacks comes from the default remote. With --to, puts the files of a recorded dataset version into a folder.',
    )
    .argument(
      '[paths...]',
      'all that are tracked without it; with --to a dataset version: contracts is the newest, contracts@702a45d5 that one',
    )
    .option('-f, --force', 'give up changes that were never added')
    .option('--to <folder>', 'where the files of a dataset version go; other files there stay')
    .addHelpText(
      'after',
      examples(
        'git checkout v1.0 && gyre data checkout',
        'gyre data checkout images/ --force',
        'gyre data checkout contracts@702a45d5 --to then',
      ),
    )
    .action(
      bind<{ force?: boolean; to?: string }>(async (cli, { force = false, to }, ...paths) => {
        if (to !== undefined) return checkoutVersion(cli, paths, { to, force });
        return inWorkspace(cli, async ({ workspace, options }) => {
          sayCheckedOut(cli, await workspace.checkout(paths, { ...options, force }));
        });
      }),
    );
}

export function sayCheckedOut(cli: Cli, done: readonly CheckedOut[]): void {
  cli.output.facts(done, () => {
    if (done.length === 0) cli.output.line('nothing is tracked');
    for (const { path, placed, removed, fetched } of done) {
      const parts = [
        ...(placed > 0 ? [`${counted(placed, 'file')} placed`] : []),
        ...(removed > 0 ? [`${counted(removed, 'file')} removed`] : []),
        ...(fetched > 0 ? [`${counted(fetched, 'object')} fetched`] : []),
      ];
      cli.output.line(`${path}  ${parts.length === 0 ? 'is as recorded' : parts.join(', ')}`);
    }
  });
}
