import type { Command } from 'commander';
import type { DatasetIngestion } from '#contract';
import { listFlags, listQuery, pageNote } from '../../lists.ts';
import type { ListFlags, Page } from '../../lists.ts';
import { short, when } from '../../output.ts';
import { examples } from '../../verb.ts';
import type { Bind } from '../../verb.ts';

/** What was read from where. */
export function registerDataIngestions(data: Command, bind: Bind): void {
  listFlags(
    data.command('ingestions').description('Lists readings of sources, newest first: where rows came from, and whether anything was new.'),
  )
    .option('--dataset <name>', 'of one dataset')
    .addHelpText('after', examples('gyre data ingestions', 'gyre data ingestions --dataset orders --json'))
    .action(
      bind<ListFlags & { dataset?: string }>((cli, options) =>
        cli.withClient(async (client) => {
          const page = await client.get<Page<DatasetIngestion>>('dataset-ingestions', { ...listQuery(options), dataset: options.dataset });
          cli.output.facts(page, () => {
            cli.output.table(page.items, [
              { title: 'WHEN', of: ({ startedAt }) => when(startedAt) },
              { title: 'DATASET', of: ({ dataset }) => dataset },
              { title: 'OUTCOME', of: ({ outcome }) => outcome },
              { title: 'NEW ROWS', of: ({ newRows }) => newRows, align: 'right' },
              { title: 'ROWS', of: ({ rows }) => rows, align: 'right' },
              { title: 'VERSION', of: ({ version }) => (version === undefined ? '' : short(version)) },
              { title: 'UP TO', of: ({ watermark }) => watermark?.to ?? '' },
              { title: 'SOURCE', of: ({ address, query }) => (query === undefined ? address : `${address}: ${query}`) },
              { title: 'WHAT WENT WRONG', of: ({ error }) => error ?? '' },
            ]);
            pageNote(cli, page);
          });
        }),
      ),
    );
}
