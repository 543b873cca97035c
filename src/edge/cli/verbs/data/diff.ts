import type { Command } from 'commander';
import type { Bind } from '../../verb.ts';
import { examples } from '../../verb.ts';
import { inWorkspace } from './in-workspace.ts';
import { sayChanges } from './status.ts';

const signs = { added: '+', removed: '-', modified: '~' } as const;

/** What changed between two commits. */
export function registerDataDiff(data: Command, bind: Bind): void {
  data
    .command('diff')
    .description(
      'Says which tracked files were added (+), removed (-), changed (~) or renamed (>) between two revisions of git, or since one.',
    )
    .argument('[from]', 'a revision of git; HEAD without it')
    .argument('[to]', 'a revision of git; the workspace without it')
    .addHelpText('after', examples('gyre data diff', 'gyre data diff HEAD~1', 'gyre data diff v1.0 v2.0'))
    .action(
      bind<object>((cli, _options, from, to) =>
        inWorkspace(cli, async ({ workspace, options }) => {
          const request = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
          const found = await workspace.diff(request, options);
          cli.output.facts(found, () => {
            if (found.length === 0) cli.output.line('no difference');
            for (const { path, change, changes } of found) {
              const { added, removed, modified, renamed } = changes;
              const figures =
                change === 'modified'
                  ? ([
                      [added, 'added'],
                      [removed, 'removed'],
                      [modified, 'changed'],
                      [renamed, 'renamed'],
                    ] as const)
                  : [];
              const summary = figures.filter(([list]) => list.length > 0).map(([list, word]) => `${list.length} ${word}`);
              cli.output.line(`${signs[change]} ${cli.output.style('bold', path)}${summary.length === 0 ? '' : `  ${summary.join(', ')}`}`);
              sayChanges(cli, changes);
            }
          });
        }),
      ),
    );
}
