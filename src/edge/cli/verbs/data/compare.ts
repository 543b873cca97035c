import type { Command } from 'commander';
import type { ColumnComparison, DatasetComparison, RowChanges } from '#contract';
import type { Cli } from '../../cli.ts';
import type { Bind } from '../../verb.ts';
import { examples, whole } from '../../verb.ts';
import { fewOf } from './in-workspace.ts';

/** What changed between two versions. */
export function registerDataCompare(data: Command, bind: Bind): void {
  data
    .command('compare')
    .description('Says how two dataset versions differ: rows and cells by key, columns, and columns whose values are of another law.')
    .argument('<from>', 'the earlier version’s digest, or the beginning of it')
    .argument('<to>', 'the later version’s digest')
    .option('--key <columns>', 'the columns that name a row, separated by commas; default: the key that gyre.yaml or a split names')
    .option('--examples <n>', 'rows shown of each kind of change', whole, 3)
    .addHelpText(
      'after',
      examples('gyre data compare 702a45d5e5e1 c27193d23d22', 'gyre data compare 702a45d5 c27193d2 --key customerID --json'),
    )
    .action(
      bind<{ key?: string; examples: number }>((cli, options, from, to) =>
        cli.withClient(async (client) => {
          const comparison = await client.get<DatasetComparison>(`datasets/${from}/comparison/${to}`, { ...options });
          cli.output.facts(comparison, () => {
            cli.output.pairs([
              ['rows', `${comparison.rows.from} → ${comparison.rows.to}`],
              ['changes', rowsText(comparison.rowChanges)],
              ['matched by', comparison.rowChanges.key?.join(', ') ?? `whole rows (${comparison.rowChanges.note ?? ''})`],
              ['files', filesText(comparison.files)],
              ['schema', comparison.sameSchema ? 'the same' : 'changed'],
            ]);
            cli.output.line();
            fileExamples(cli, comparison.files, options.examples);
            rowExamples(cli, comparison.rowChanges);
            differences(cli, comparison);
            columns(cli, comparison.columns);
          });
        }),
      ),
    );
}

function rowsText({ matchedBy, added, removed, changed, unchanged }: RowChanges): string {
  const counts = matchedBy === 'key' ? [`${changed} changed`] : [];
  return [`${added} added`, `${removed} removed`, ...counts, `${unchanged} unchanged`].join(', ');
}

function filesText(files: DatasetComparison['files']): string | undefined {
  if (files === undefined) return undefined;
  const { added, removed, modified, renamed, count } = files;
  const shown = [`${added.length} added`, `${removed.length} removed`, `${modified.length} changed`, `${renamed.length} renamed`];
  const sum = added.length + removed.length + modified.length + renamed.length;
  return `${shown.join(', ')}${count > sum ? ` (the first 1000 of each kind; ${count} in all)` : ''}`;
}

function fileExamples(cli: Cli, files: DatasetComparison['files'], most: number): void {
  if (files === undefined || files.count === 0) return;
  fewOf(cli, '+', files.added, most);
  fewOf(cli, '-', files.removed, most);
  fewOf(cli, '~', files.modified, most);
  fewOf(
    cli,
    '→',
    files.renamed.map(({ from, to }) => `${from} → ${to}`),
    most,
  );
  cli.output.line();
}

function rowExamples(cli: Cli, { examples: shown }: RowChanges): void {
  const cells = (record: Readonly<Record<string, unknown>>): string =>
    Object.entries(record)
      .slice(0, 6)
      .map(([name, value]) => `${name} ${JSON.stringify(value)}`)
      .join(', ');
  const lines = [
    ...shown.added.map((row) => ({ change: 'added', row: row.row, what: cells(row.cells) })),
    ...shown.removed.map((row) => ({ change: 'removed', row: row.row, what: cells(row.cells) })),
    ...shown.changed.map((row) => ({
      change: 'changed',
      row: row.to,
      what: `${cells(row.key)}: ${row.cells.map(({ column, from, to }) => `${column} ${JSON.stringify(from)} → ${JSON.stringify(to)}`).join(', ')}`,
    })),
  ];
  if (lines.length === 0) return;
  cli.output.table(lines, [
    { title: 'ROW', of: ({ row }) => row, align: 'right' },
    { title: 'CHANGE', of: ({ change }) => change },
    { title: 'WHAT', of: ({ what }) => what },
  ]);
  cli.output.line();
}

function differences(cli: Cli, comparison: DatasetComparison): void {
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
  cli.output.line();
}

function columns(cli: Cli, compared: readonly ColumnComparison[]): void {
  cli.output.table(compared, [
    { title: 'COLUMN', of: ({ column }) => column },
    { title: 'CELLS CHANGED', of: ({ changedCells }) => changedCells, align: 'right' },
    {
      title: 'MISSING',
      of: ({ missing }) => (missing.from === missing.to ? missing.to : `${missing.from} → ${missing.to}`),
      align: 'right',
    },
    { title: 'BEFORE', of: (column) => bars(column, 'from') },
    { title: 'AFTER', of: (column) => bars(column, 'to') },
    { title: 'ADJUSTED P', of: ({ test }) => test?.adjusted.toPrecision(2), align: 'right' },
  ]);
}

const heights = '▁▂▃▄▅▆▇█';

/** The bins or the most frequent categories as one line of bars, each side in relation to its own tallest. */
function bars({ bins, categories }: ColumnComparison, side: 'from' | 'to'): string | undefined {
  const counts = (bins ?? categories?.top)?.map((each) => each[side]);
  if (counts === undefined) return undefined;
  const tallest = Math.max(1, ...counts);
  return counts.map((count) => (count === 0 ? ' ' : heights[Math.min(7, Math.floor((count / tallest) * 8))])).join('');
}
