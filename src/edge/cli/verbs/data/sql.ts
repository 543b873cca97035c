import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import type { CellValue } from '#contract';
import { short } from '../../output.ts';
import type { Bind } from '../../verb.ts';
import { examples, whole } from '../../verb.ts';

interface SqlAnswer {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly CellValue[])[];
  readonly truncated: boolean;
  readonly tables: readonly { readonly name: string; readonly version: string; readonly masked: readonly string[] }[];
}

interface SqlOptions {
  readonly limit: number;
  readonly timeout: number;
  readonly version?: Readonly<Record<string, string>>;
}

/** SQL over dataset versions. */
export function registerDataSql(data: Command, bind: Bind): void {
  data
    .command('sql')
    .description(
      'Answers a SQL query (DuckDB’s dialect) over dataset versions. It reads them and nothing else: no file, no network, no setting.',
    )
    .argument('<query>', 'tables are datasets: customers is the newest version, "customers@702a45d5" that one; - reads standard input')
    .option('--version <dataset=digest>', 'the version that a dataset’s bare name means (repeatable)', versionOption)
    .option('--limit <n>', 'at most so many rows', whole, 1000)
    .option('--timeout <ms>', 'stop it after so many milliseconds', whole, 10_000)
    .addHelpText(
      'after',
      examples(
        `gyre data sql "select Contract, count(*), avg(MonthlyCharges) from customers group by all"`,
        `gyre data sql 'select count(*) from customers a join "customers@702a45d5" b using (customerID)' --json`,
      ),
    )
    .action(
      bind<SqlOptions>(async (cli, { limit, timeout, version }, query) => {
        const sql = query === '-' ? await cli.host.readStdin() : query;
        await cli.withClient(async (client) => {
          const answer = await client.post<SqlAnswer>('sql', {
            sql,
            limit,
            timeoutMs: timeout,
            ...(version === undefined ? {} : { versions: version }),
          });
          cli.output.facts(answer, () => {
            const columns = answer.columns.map(({ name }, i) => ({ title: name, of: (row: readonly CellValue[]) => row[i] }));
            cli.output.table(answer.rows, columns, 'no rows');
            if (answer.truncated) cli.output.note(cli.output.style('dim', `the first ${answer.rows.length} rows: there are more`));
            for (const table of answer.tables.filter(({ masked }) => masked.length > 0))
              cli.output.note(cli.output.style('dim', `${table.name} ${short(table.version)}: masked for you: ${table.masked.join(', ')}`));
          });
        });
      }),
    );
}

function versionOption(text: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const [dataset, digest, ...rest] = text.split('=');
  if (dataset === '' || digest === undefined || digest === '' || rest.length > 0)
    throw new InvalidArgumentError('A dataset and a version are needed, such as customers=702a45d5.');
  return { ...before, [dataset]: digest };
}
