import type { Command } from 'commander';
import type { StepItem } from '#contract';
import { listFlags, listQuery, pageNote } from '../lists.ts';
import type { ListFlags, Page } from '../lists.ts';
import { short } from '../output.ts';
import type { Bind } from '../verb.ts';
import { examples } from '../verb.ts';

const shownFiles = 2;

/** Adds `gyre pipeline items`. */
export function registerStepItems(pipeline: Command, bind: Bind): void {
  listFlags(
    pipeline
      .command('items')
      .description('Lists the items of a step that works by file or by group: what each was made from, what it left, why it failed.')
      .argument('<run>', 'the pipeline run’s id')
      .argument('<step>', 'the step’s name'),
  )
    .option('--state <state>', 'succeeded, cached, failed or removed')
    .option('--file <path>', 'only items that read or wrote this file')
    .addHelpText(
      'after',
      examples('gyre pipeline items 0190… thumbs --state failed', 'gyre pipeline items 0190… thumbs --file thumbs/cat.png'),
    )
    .action(
      bind<ListFlags & { state?: string; file?: string }>((cli, options, run, step) =>
        cli.withClient(async (client) => {
          const page = await client.get<Page<StepItem>>(
            `pipeline-runs/${encodeURIComponent(run)}/steps/${encodeURIComponent(step)}/items`,
            {
              ...listQuery(options),
              state: options.state,
              file: options.file,
            },
          );
          cli.output.facts(page, () => {
            cli.output.table(page.items, [
              { title: 'ITEM', of: ({ item }) => item },
              { title: 'STATE', of: ({ state }) => state },
              { title: 'MADE FROM', of: ({ inputs }) => filesText(inputs) },
              { title: 'LEFT', of: ({ outputs }) => filesText(outputs) },
              { title: 'WHY', of: ({ error }) => error?.split('\n')[0] },
            ]);
            for (const { item, log } of page.items) {
              if (log.length === 0) continue;
              cli.output.line(`${item}:`);
              for (const line of log) cli.output.line(`  ${line}`);
            }
            if (page.items.length === 0) cli.output.note('no items: only a step that declares "per_file" or "group" has some');
            pageNote(cli, page);
          });
        }),
      ),
    );
}

function filesText(files: StepItem['inputs']): string {
  const shown = files.slice(0, shownFiles).map(({ path, sha256 }) => `${path} (${short(sha256)})`);
  return [...shown, ...(files.length > shownFiles ? [`${files.length - shownFiles} more`] : [])].join(', ');
}
