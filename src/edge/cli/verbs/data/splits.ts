import type { Command } from 'commander';
import type { Split, SplitComparison, SplitReport, SplitStrategy } from '#contract';
import type { Cli } from '../../cli.ts';
import type { Client } from '../../client.ts';
import type { Page } from '../../lists.ts';
import { short, when } from '../../output.ts';
import type { Bind } from '../../verb.ts';
import { examples } from '../../verb.ts';

/** Parts and validation sets. */
export function registerDataSplits(data: Command, bind: Bind): void {
  data
    .command('split')
    .description('Cuts a dataset version into parts and validation sets, as gyre.yaml says, and says whether the division is biased.')
    .argument('<dataset>', 'its name in gyre.yaml')
    .option('--version <digest>', 'this version; default: the newest')
    .addHelpText('after', examples('gyre data split customers', 'gyre data split customers --version 702a45d5'))
    .action(
      bind<{ version?: string }>((cli, { version }, dataset) =>
        cli.withClient(async (client) => {
          const split = await client.post<Split>('splits', { dataset, ...(version === undefined ? {} : { version }) });
          const report = await reportOf(client, split);
          cli.output.facts({ split, report }, () => writeSplit(cli, split, report));
        }),
      ),
    );
  data
    .command('splits')
    .description('Shows the splits of a dataset version, newest first: parts, validation sets, and how alike they are.')
    .argument('<version>', 'the dataset version’s digest')
    .option('--columns', 'with the test of each column')
    .addHelpText('after', examples('gyre data splits 702a45d5', 'gyre data splits 702a45d5 --columns'))
    .action(
      bind<{ columns?: boolean }>((cli, { columns }, digest) =>
        cli.withClient(async (client) => {
          const { items } = await client.get<Page<Split>>(`datasets/${digest}/splits`);
          const splits = await Promise.all(items.map(async (split) => ({ split, report: await reportOf(client, split) })));
          cli.output.facts(splits, () => {
            if (splits.length === 0) cli.output.line('it was never split: gyre data split, or gyre run');
            for (const { split, report } of splits) {
              writeSplit(cli, split, report);
              if (columns === true) for (const comparison of report.comparisons) columnTable(cli, comparison);
            }
          });
        }),
      ),
    );
}

const reportOf = (client: Client, split: Split): Promise<SplitReport> => client.get<SplitReport>(`splits/${split.id}/report`);

function writeSplit(cli: Cli, split: Split, report: SplitReport): void {
  cli.output.pairs([
    ['split', split.id],
    ['version', split.version],
    ['key', split.key],
    ['parts by', strategyText(split.strategy)],
    ['when', when(split.createdAt)],
  ]);
  cli.output.line();
  const comparisons = new Map(report.comparisons.map((each) => [each.name, each]));
  const rows = [
    ...split.parts.map(({ part, ...rest }) => ({ name: part, how: 'part', ...rest })),
    ...(split.sets ?? []).map(({ set, ...rest }) => ({ name: set, how: strategyText(rest.strategy), ...rest })),
  ];
  cli.output.table(rows, [
    { title: 'NAME', of: ({ name }) => name },
    { title: 'BY', of: ({ how }) => how },
    { title: 'ROWS', of: (row) => row.rows, align: 'right' },
    { title: 'VERSION', of: ({ version }) => short(version) },
    { title: `LIKE ${split.parts[0].part}`.toUpperCase(), of: ({ name }) => comparisons.get(name)?.verdict },
  ]);
  cli.output.line();
  for (const { message } of report.comparisons) cli.output.line(message);
}

function columnTable(cli: Cli, { name, reference, columns }: SplitComparison): void {
  cli.output.line();
  cli.output.line(`${name} against ${reference.name}:`);
  cli.output.table(columns, [
    { title: 'COLUMN', of: ({ column }) => column },
    { title: 'TEST', of: ({ statistic }) => statistic },
    { title: 'P', of: ({ pValue }) => pValue?.toPrecision(2), align: 'right' },
    { title: 'ADJUSTED P', of: ({ adjusted }) => adjusted?.toPrecision(2), align: 'right' },
    { title: 'EFFECT', of: ({ effect }) => effect?.value.toPrecision(2), align: 'right' },
    { title: '', of: ({ differs, byDesign, note }) => (byDesign ? 'by design' : differs ? 'differs' : note) },
  ]);
}

function strategyText(strategy: SplitStrategy | undefined): string {
  if (strategy === undefined) return 'random';
  const { columns, cell, from } = strategy;
  const of = columns.length === 0 ? '' : ` ${columns.join(', ')}`;
  return `${strategy.strategy}${of}${cell === undefined ? '' : ` in squares of ${cell}°`}${from === undefined ? '' : ` from ${from}`}`;
}
