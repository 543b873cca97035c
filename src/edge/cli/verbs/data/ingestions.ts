import type { Command } from 'commander';
import type { DatasetIngestion } from '#contract';
import { listFlags, listQuery, pageNote } from '../../lists.ts';
import type { ListFlags, Page } from '../../lists.ts';
import { short, when } from '../../output.ts';
import { examples } from '../../verb.ts';
import type { Bind } from '../../verb.ts';

function stateOf({ id, outcome, progress }: DatasetIngestion): string {
  if (progress === undefined) return outcome ?? 'running';
  const { phase, done, total } = progress;
  const far = total === undefined ? '' : ` ${Math.floor((100 * (done ?? 0)) / Math.max(1, total))} %`;
  return `${phase}${far} (${id})`;
}

/** What was read from where. */
export function registerDataIngestions(data: Command, bind: Bind): void {
  listFlags(
    data
      .command('ingestions')
      .description(
        'Lists readings of sources, newest first: where rows came from, whether anything was new, and how far those are that go on.',
      ),
  )
    .option('--dataset <name>', 'of one dataset')
    .option('--stop <id>', 'stops one that goes on; what was read is not read again')
    .addHelpText(
      'after',
      examples('gyre data ingestions', 'gyre data ingestions --dataset orders --json', 'gyre data ingestions --stop ID'),
    )
    .action(
      bind<ListFlags & { dataset?: string; stop?: string }>((cli, options) =>
        cli.withClient(async (client) => {
          if (options.stop !== undefined) {
            const asked = await client.remove<DatasetIngestion>(`dataset-ingestions/${encodeURIComponent(options.stop)}`);
            return cli.output.facts(asked, () =>
              cli.output.line(asked.progress === undefined ? `it has ended: ${stateOf(asked)}` : 'it stops before its next file or step'),
            );
          }
          const page = await client.get<Page<DatasetIngestion>>('dataset-ingestions', { ...listQuery(options), dataset: options.dataset });
          cli.output.facts(page, () => {
            cli.output.table(page.items, [
              { title: 'WHEN', of: ({ startedAt }) => when(startedAt) },
              { title: 'DATASET', of: ({ dataset }) => dataset },
              { title: 'OUTCOME', of: stateOf },
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
