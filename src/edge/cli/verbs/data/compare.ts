import type { Command } from 'commander';
import type { DatasetComparison } from '#contract';
import type { Bind } from '../../verb.ts';
import { examples } from '../../verb.ts';

/** What changed between two versions. */
export function registerDataCompare(data: Command, bind: Bind): void {
  data
    .command('compare')
    .description('Says how two dataset versions differ: rows, columns, types, and columns whose values are of another law.')
    .argument('<from>', 'the earlier version’s digest, or the beginning of it')
    .argument('<to>', 'the later version’s digest')
    .addHelpText('after', examples('gyre data compare 702a45d5e5e1 c27193d23d22'))
    .action(
      bind<object>((cli, _options, from, to) =>
        cli.withClient(async (client) => {
          const comparison = await client.get<DatasetComparison>(`datasets/${from}/comparison/${to}`);
          cli.output.facts(comparison, () => {
            cli.output.pairs([
              ['rows', `${comparison.rows.from} → ${comparison.rows.to}`],
              ['schema', comparison.sameSchema ? 'the same' : 'changed'],
            ]);
            cli.output.line();
            cli.output.table(
              comparison.differences,
              [
                { title: 'COLUMN', of: ({ column }) => column },
                { title: 'CHANGE', of: ({ change }) => change },
                { title: 'P', of: ({ pValue }) => pValue?.toPrecision(2) },
                { title: 'WHAT', of: ({ message }) => message },
              ],
              'no column differs',
            );
          });
        }),
      ),
    );
}
