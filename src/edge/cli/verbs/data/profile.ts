import type { Command } from 'commander';
import type { ColumnProfile, DatasetProfile } from '#contract';
import { when } from '../../output.ts';
import type { Bind } from '../../verb.ts';

/** What the columns hold. */
export function registerDataProfile(data: Command, bind: Bind): void {
  data
    .command('profile')
    .description('Shows the profile of each column.')
    .argument('<version>', 'the dataset version’s digest')
    .action(
      bind<object>((cli, _options, digest) =>
        cli.withClient(async (client) => {
          const profile = await client.get<DatasetProfile>(`datasets/${digest}/profile`);
          cli.output.facts(profile, () =>
            cli.output.table(profile.columns, [
              { title: 'COLUMN', of: ({ name }) => name },
              { title: 'TYPE', of: ({ type }) => type },
              { title: 'MISSING', of: ({ missing }) => missing, align: 'right' },
              { title: 'DISTINCT', of: ({ distinct }) => distinct, align: 'right' },
              { title: 'VALUES', of: valuesText },
              { title: 'ASSOCIATION', of: ({ association }) => association?.value, align: 'right' },
            ]),
          );
        }),
      ),
    );
}

function valuesText({ numeric, text, instants }: ColumnProfile): string {
  if (numeric !== undefined) return `${figure(numeric.min)} … ${figure(numeric.max)}, mean ${figure(numeric.mean)}`;
  if (instants !== undefined) return `${when(instants.first)} … ${when(instants.last)}`;
  return (text?.top ?? [])
    .slice(0, 3)
    .map(({ value, count }) => `${value} (${count})`)
    .join(', ');
}

function figure(value: number | null): string {
  return value === null ? '-' : String(Number(value.toPrecision(4)));
}
