import type { Command } from 'commander';
import type { PersonalColumns } from '#contract';
import type { Bind } from '../../verb.ts';

/** Which columns are masked, and why. */
export function registerDataPersonal(data: Command, bind: Bind): void {
  data
    .command('personal')
    .description('Lists the columns that are masked for whoever may not see personal data: declared ones, and those that look so.')
    .argument('<version>', 'the dataset version’s digest')
    .action(
      bind<object>((cli, _options, digest) =>
        cli.withClient(async (client) => {
          const found = await client.get<PersonalColumns>(`datasets/${digest}/personal`);
          cli.output.facts(found, () => {
            cli.output.table(
              found.columns,
              [
                { title: 'COLUMN', of: ({ column }) => column },
                { title: 'WHY', of: ({ why }) => why },
                { title: 'LOOKS LIKE', of: ({ kind }) => kind },
                { title: 'EVIDENCE', of: ({ evidence }) => evidence },
              ],
              'no column is masked',
            );
            const suggested = found.columns.filter(({ why }) => why === 'suggested').map(({ column }) => column);
            if (suggested.length > 0)
              cli.output.note(
                `${suggested.join(', ')}: say "personal: true" or "personal: false" in the reviewed schema of ${found.dataset}`,
              );
          });
        }),
      ),
    );
}
