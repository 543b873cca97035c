import { resolve } from 'node:path';
import type { ColumnProfile, DatasetComparison, DatasetProfile, DatasetVersion, NamedRow, QualityCheck, QualityReport } from '#contract';
import { exitCodes } from '../exit-codes.ts';
import { listFlags, listQuery, pageNote } from '../lists.ts';
import type { ListFlags, Page } from '../lists.ts';
import { short, when } from '../output.ts';
import type { Register } from '../verb.ts';
import { examples, whole } from '../verb.ts';

interface Ingested {
  readonly version: DatasetVersion;
  readonly created: boolean;
  readonly violations: readonly QualityCheck[];
}

interface RowsAnswer {
  readonly columns: readonly { readonly name: string }[];
  readonly rows: readonly NamedRow[];
  readonly total: number;
}

export const registerData: Register = (program, bind) => {
  const data = program
    .command('data')
    .summary('dataset versions: list, show, profile, quality')
    .description('Dataset versions: immutable, named by their digest.');
  listFlags(data.command('ls').description('Lists dataset versions, newest first.'))
    .option('--dataset <name>', 'of one dataset')
    .action(
      bind<ListFlags & { dataset?: string }>((cli, options) =>
        cli.withClient(async (client) => {
          const page = await client.get<Page<DatasetVersion>>('datasets', { ...listQuery(options), dataset: options.dataset });
          cli.output.facts(page, () => {
            cli.output.table(page.items, [
              { title: 'VERSION', of: ({ digest }) => short(digest) },
              { title: 'DATASET', of: ({ dataset }) => dataset },
              { title: 'PART', of: ({ part }) => part },
              { title: 'ROWS', of: ({ manifest }) => manifest.rows, align: 'right' },
              { title: 'WHEN', of: ({ createdAt }) => when(createdAt) },
              { title: 'SOURCE', of: ({ source }) => source },
            ]);
            pageNote(cli, page);
          });
        }),
      ),
    );
  data
    .command('add')
    .description('Ingests a dataset of the project; the same bytes again are the same version.')
    .argument('<dataset>', 'its name in gyre.yaml')
    .option('--file <file>', 'another file than gyre.yaml names')
    .addHelpText('after', examples('gyre data add customers', 'gyre data add customers --file data/2027-01.csv'))
    .action(
      bind<{ file?: string }>((cli, options, dataset) =>
        cli.withClient(async (client) => {
          const path = options.file === undefined ? {} : { path: resolve(cli.host.folder, options.file) };
          const ingested = await client.post<Ingested>('datasets', { dataset, ...path });
          cli.output.facts(ingested, () => {
            const { version, created, violations } = ingested;
            cli.output.line(`${version.digest} ${created ? 'is new' : 'was there already'}: ${version.manifest.rows} rows`);
            for (const { message } of violations) cli.output.line(`  against the reviewed schema: ${message}`);
          });
        }),
      ),
    );
  data
    .command('show')
    .description('Shows a dataset version: files, rows, columns, where it came from.')
    .argument('<version>', 'its digest, or the beginning of it')
    .action(
      bind<object>((cli, _options, digest) =>
        cli.withClient(async (client) => {
          const version = await client.get<DatasetVersion>(`datasets/${digest}`);
          cli.output.facts(version, () => {
            cli.output.pairs([
              ['version', version.digest],
              ['dataset', version.part === undefined ? version.dataset : `${version.dataset}, part ${version.part}`],
              ['rows', version.manifest.rows],
              ['rows file', version.rowsDigest],
              ['source', version.source],
              ['made from', version.manifest.derivedFrom?.parents.map(short).join(', ')],
              ['by', version.createdBy.name],
              ['when', when(version.createdAt)],
            ]);
            cli.output.line();
            if (version.manifest.files.length > 0) {
              cli.output.table(version.manifest.files, [
                { title: 'FILE', of: ({ path }) => path },
                { title: 'BYTES', of: ({ size }) => size, align: 'right' },
                { title: 'SHA-256', of: ({ sha256 }) => sha256 },
                { title: 'MD5', of: ({ md5 }) => md5 },
              ]);
              cli.output.line();
            }
            cli.output.table(version.schema.columns, [
              { title: 'COLUMN', of: ({ name }) => name },
              { title: 'TYPE', of: ({ type }) => type },
              { title: 'WHAT IT IS', of: ({ description }) => description ?? '' },
            ]);
          });
        }),
      ),
    );
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
  data
    .command('quality')
    .description(
      'Shows the quality report: five characteristics, each a score made of named checks. Exit code 1 when a check of severity error fails.',
    )
    .argument('<version>', 'the dataset version’s digest')
    .action(
      bind<object>((cli, _options, digest) =>
        cli.withClient(async (client) => {
          const report = await client.get<QualityReport>(`datasets/${digest}/quality`);
          cli.output.facts(report, () => {
            for (const { name, score, checks } of report.characteristics) {
              cli.output.line(`${cli.output.style('bold', name)}: ${score === null ? 'not measurable' : score.toFixed(3)}`);
              for (const check of checks) {
                const failed = check.score !== null && check.score < 1;
                cli.output.line(
                  `  ${cli.output.style(failed && check.severity === 'error' ? 'red' : 'dim', check.score === null ? '  -  ' : check.score.toFixed(3))} ${check.name}: ${check.message}`,
                );
                for (const { row, column, value } of failed ? check.examples.slice(0, 3) : []) {
                  cli.output.line(
                    `          ${[row === undefined ? '' : `row ${row}`, column ?? '', JSON.stringify(value)].filter((part) => part !== '').join(' ')}`,
                  );
                }
              }
            }
          });
          return report.violations === 0 ? exitCodes.ok : exitCodes.failed;
        }),
      ),
    );
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
};

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
