import type { Command } from 'commander';
import type { NamedRow } from '#contract';
import type { Query } from '../../client.ts';
import type { Bind } from '../../verb.ts';
import { examples, whole } from '../../verb.ts';

interface RowsAnswer {
  readonly columns: readonly { readonly name: string; readonly masked?: boolean }[];
  readonly rows: readonly NamedRow[];
  readonly total: number;
}

/** A look at the rows. */
export function registerDataRows(data: Command, bind: Bind): void {
  data
    .command('rows')
    .description('Prints rows: the first ones, or those that are asked for.')
    .argument('<version>', 'the dataset version’s digest')
    .option('--limit <n>', 'at most so many', whole, 10)
    .option('--offset <n>', 'leave out so many before', whole, 0)
    .option('--columns <names>', 'only these, separated by commas')
    .option('--where <comparison>', 'only rows for which it holds (also: TotalCharges is missing); several are joined by "and"')
    .option('--sort <column>', 'in this order; with a minus before it, falling')
    .addHelpText(
      'after',
      examples(
        'gyre data rows 702a45d5',
        `gyre data rows 702a45d5 --where "tenure > 60 and Contract = 'One year'" --sort=-MonthlyCharges --columns tenure,MonthlyCharges`,
      ),
    )
    .action(
      bind<Query>((cli, options, digest) =>
        cli.withClient(async (client) => {
          const { columns, rows, total } = await client.get<RowsAnswer>(`datasets/${digest}/rows`, options);
          cli.output.facts(rows, () => {
            cli.output.table(
              rows,
              columns.map(({ name }) => ({ title: name, of: (row: NamedRow) => row[name] })),
              'no rows',
            );
            if (total > rows.length) cli.output.note(cli.output.style('dim', `${rows.length} of ${total} rows`));
            const masked = columns.filter((column) => column.masked === true).map(({ name }) => name);
            if (masked.length > 0) cli.output.note(cli.output.style('dim', `personal and masked for you: ${masked.join(', ')}`));
          });
        }),
      ),
    );
}
