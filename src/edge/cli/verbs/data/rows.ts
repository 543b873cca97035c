import type { Command } from 'commander';
import type { NamedRow } from '#contract';
import type { Bind } from '../../verb.ts';
import { whole } from '../../verb.ts';

interface RowsAnswer {
  readonly columns: readonly { readonly name: string }[];
  readonly rows: readonly NamedRow[];
  readonly total: number;
}

/** A look at the rows. */
export function registerDataRows(data: Command, bind: Bind): void {
  data
    .command('rows')
    .description('Prints the first rows.')
    .argument('<version>', 'the dataset version’s digest')
    .option('--limit <n>', 'at most so many', whole, 10)
    .action(
      bind<{ limit: number }>((cli, options, digest) =>
        cli.withClient(async (client) => {
          const { columns, rows, total } = await client.get<RowsAnswer>(`datasets/${digest}/rows`, { limit: options.limit });
          cli.output.facts(rows, () => {
            cli.output.table(
              rows,
              columns.map(({ name }) => ({ title: name, of: (row: NamedRow) => row[name] })),
              'no rows',
            );
            if (total > rows.length) cli.output.note(cli.output.style('dim', `${rows.length} of ${total} rows`));
          });
        }),
      ),
    );
}
