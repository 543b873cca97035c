import type { JSX } from 'preact';
import type { ColumnComparison, ColumnDifference, DatasetComparison, DatasetVersion, RowChanges } from '#contract';
import { TwoHistograms, TwoShares } from '../charts/two-histograms.tsx';
import { counted, number, percent, shortDigest } from '../lib/format.ts';
import { datasetPath, recordPath } from '../lib/records.ts';
import { useResource } from '../lib/resource.ts';
import { queryValue, setQuery } from '../lib/router.ts';
import { FileChangesCard } from './file-changes-card.tsx';
import { Card, Facts, Load, Page, RawJson } from '../parts/page.tsx';
import { StateShape } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { DigestText } from '../parts/values.tsx';

/** How the later of two versions differs from the earlier one. */
export function DatasetDiffPage({ from, to }: { readonly from: string; readonly to: string }): JSX.Element {
  const key = queryValue('key');
  const later = useResource<DatasetVersion>(`datasets/${to}`);
  const comparison = useResource<DatasetComparison>(
    `datasets/${from}/comparison/${to}?examples=20${key === undefined ? '' : `&key=${encodeURIComponent(key)}`}`,
  );
  return (
    <Load of={comparison} what="The comparison">
      {(data) => (
        <Page
          kind="Difference"
          title={`${shortDigest(data.from)} to ${shortDigest(data.to)}`}
          crumbs={[
            { text: 'Data', href: '/data' },
            ...(later.data === undefined ? [] : [{ text: later.data.dataset, href: datasetPath(later.data.dataset) }]),
          ]}
          truth={<Truth comparison={data} />}
        >
          <div class="cards">
            <Card title="What to look at" wide>
              <Differences differences={data.differences} />
            </Card>
            {data.files !== undefined && <FileChangesCard files={data.files} />}
            <ColumnsCard columns={data.columns} rows={data.rows} differences={data.differences} />
            <RowChangesCard changes={data.rowChanges} rows={data.rows} />
            <Card title="Record" wide>
              <Facts
                facts={[
                  ['Earlier version', <DigestText digest={data.from} href={recordPath('dataset_version', data.from)} />],
                  ['Later version', <DigestText digest={data.to} href={recordPath('dataset_version', data.to)} />],
                ]}
              />
              <RawJson value={data} />
            </Card>
          </div>
        </Page>
      )}
    </Load>
  );
}

function Truth({ comparison: { rows, sameSchema, rowChanges, differences } }: { readonly comparison: DatasetComparison }): JSX.Element {
  const moved = new Set(differences.filter(({ change }) => change === 'values' || change === 'missing').map(({ column }) => column)).size;
  return (
    <p>
      <b>
        {number(rowChanges.added, 0)} rows added, {number(rowChanges.removed, 0)} removed
        {rowChanges.matchedBy === 'key' && `, ${number(rowChanges.changed, 0)} changed`}
      </b>
      ; {number(rows.from, 0)} before, {number(rows.to, 0)} after; the schema is {sameSchema ? 'the same' : 'another'};{' '}
      {moved === 0 ? 'no column lies differently' : `${counted(moved, 'column')} ${moved === 1 ? 'lies' : 'lie'} differently`}
    </p>
  );
}

function Differences({ differences }: { readonly differences: readonly ColumnDifference[] }): JSX.Element {
  if (differences.length === 0)
    return (
      <p>
        <StateShape tone="good" /> The columns are the same, and none of them lies differently.
      </p>
    );
  return (
    <Table
      name="differences"
      caption="Columns that differ"
      rows={differences}
      rowKey={({ column, change }) => `${column} ${change}`}
      columns={[
        { key: 'column', head: 'Column', value: ({ column }) => column, cell: ({ column }) => <b>{column}</b> },
        { key: 'change', head: 'Change', value: ({ change }) => change, cell: ({ change }) => <span class="tag">{change}</span> },
        { key: 'message', head: 'What', value: ({ message }) => message, cell: ({ message }) => <span class="prose">{message}</span> },
        { key: 'p', head: 'p', number: true, value: ({ pValue }) => pValue, cell: ({ pValue }) => chance(pValue) },
      ]}
    />
  );
}

function chance(pValue: number | undefined): string {
  if (pValue === undefined) return '—';
  return pValue < 1e-4 ? '< 0.0001' : pValue.toPrecision(2);
}

function RowChangesCard({ changes, rows }: { readonly changes: RowChanges; readonly rows: DatasetComparison['rows'] }): JSX.Element {
  const { added, removed, changed } = changes.examples;
  return (
    <Card
      title="Rows"
      wide
      says={
        changes.matchedBy === 'key'
          ? `Rows with the same ${(changes.key ?? []).join(', ')} are one row.`
          : `Whole rows are matched: a changed row counts as removed and added.${changes.note === undefined ? '' : ` ${changes.note}`}`
      }
      aside={<KeyForm usual={changes.key} />}
    >
      <Facts
        facts={[
          ['Added', shareOf(changes.added, rows.to)],
          ['Removed', shareOf(changes.removed, rows.from)],
          changes.matchedBy === 'key' ? ['Changed', shareOf(changes.changed, rows.to)] : undefined,
          ['Unchanged', shareOf(changes.unchanged, rows.to)],
        ]}
      />
      {changed.length > 0 && (
        <>
          <h3>Changed</h3>
          <Table
            name="changed"
            caption="Examples of changed rows"
            rows={changed}
            rowKey={({ from, to }) => `${from} ${to}`}
            columns={[
              ...(changes.key ?? []).map((column) => ({
                key: column,
                head: column,
                value: (row: (typeof changed)[number]) => row.key[column],
              })),
              { key: 'row', head: 'Row', number: true, value: ({ to }) => to },
              {
                key: 'cells',
                head: 'What changed',
                value: ({ cells }) => cells.map(({ column }) => column).join(' '),
                cell: ({ cells }) => (
                  <ul class="cell-changes">
                    {cells.map(({ column, from, to }) => (
                      <li key={column}>
                        <span class="quiet">{column}</span> <del>{shown(from)}</del> <ins>{shown(to)}</ins>
                      </li>
                    ))}
                  </ul>
                ),
              },
            ]}
          />
        </>
      )}
      <RowExamples title="Added" name="added" rows={added} />
      <RowExamples title="Removed" name="removed" rows={removed} />
    </Card>
  );
}

const shown = (value: string | number | boolean | null): string => (value === null ? 'missing' : String(value));

function shareOf(count: number, all: number): string {
  return count === 0 ? 'none' : `${number(count, 0)} (${percent(count / Math.max(1, all))})`;
}

/** Other columns to know a row by. */
function KeyForm({ usual }: { readonly usual: readonly string[] | undefined }): JSX.Element {
  return (
    <form
      class="inline-form"
      onSubmit={(event) => {
        event.preventDefault();
        const key = new FormData(event.currentTarget).get('key');
        setQuery({ key: typeof key === 'string' ? key.trim() : undefined });
      }}
    >
      <label>
        Rows are named by <input name="key" type="text" defaultValue={queryValue('key') ?? usual?.join(', ') ?? ''} placeholder="columns" />
      </label>
      <button type="submit">Compare</button>
    </form>
  );
}

function RowExamples({
  title,
  name,
  rows,
}: {
  readonly title: string;
  readonly name: string;
  readonly rows: RowChanges['examples']['added'];
}): JSX.Element | null {
  const [first] = rows;
  if (first === undefined) return null;
  return (
    <>
      <h3>{title}</h3>
      <Table
        name={name}
        caption={`Examples of rows that were ${name}`}
        filterable={false}
        rows={rows}
        rowKey={({ row }) => String(row)}
        columns={[
          { key: '#', head: 'Row', number: true, value: ({ row }) => row },
          ...Object.keys(first.cells).map((column) => ({
            key: column,
            head: column,
            number: typeof first.cells[column] === 'number',
            value: (row: typeof first) => row.cells[column],
          })),
        ]}
      />
    </>
  );
}

function ColumnsCard({
  columns,
  rows,
  differences,
}: {
  readonly columns: readonly ColumnComparison[];
  readonly rows: DatasetComparison['rows'];
  readonly differences: readonly ColumnDifference[];
}): JSX.Element {
  const marked = new Set(differences.map(({ column }) => column));
  return (
    <Card
      title="Columns"
      wide
      says={
        <>
          <span class="key-before" /> before, <span class="key-after" /> after, as shares over the same bins. The p-value is adjusted for
          the number of columns.
        </>
      }
    >
      <Table
        name="columns"
        caption="Every column in both versions"
        rows={columns}
        rowKey={({ column }) => column}
        marked={({ column }) => marked.has(column)}
        columns={[
          {
            key: 'column',
            head: 'Column',
            value: ({ column }) => column,
            cell: ({ column, from, to }) => (
              <>
                <b>{column}</b> <span class="tag">{from === to ? to : `${from} → ${to}`}</span>
              </>
            ),
          },
          { key: 'shape', head: 'Before and after', value: () => undefined, cell: (column) => <Shapes column={column} rows={rows} /> },
          {
            key: 'missing',
            head: 'Missing',
            number: true,
            value: ({ missing }) => missing.to,
            cell: ({ missing }) =>
              missing.from + missing.to === 0 ? <span class="quiet">none</span> : `${number(missing.from, 0)} → ${number(missing.to, 0)}`,
          },
          {
            key: 'cells',
            head: 'Changed cells',
            number: true,
            value: ({ changedCells }) => changedCells,
            cell: ({ changedCells }) => (changedCells === undefined ? '—' : number(changedCells, 0)),
          },
          {
            key: 'effect',
            head: 'Effect',
            number: true,
            value: ({ test }) => (test === undefined ? undefined : Math.abs(test.effect.value)),
            cell: ({ test }) =>
              test === undefined ? (
                '—'
              ) : (
                <span title={test.statistic}>{`${test.effect.name.replaceAll('_', ' ')} ${number(test.effect.value)}`}</span>
              ),
          },
          { key: 'p', head: 'p', number: true, value: ({ test }) => test?.adjusted, cell: ({ test }) => chance(test?.adjusted) },
        ]}
      />
    </Card>
  );
}

function Shapes({ column, rows }: { readonly column: ColumnComparison; readonly rows: DatasetComparison['rows'] }): JSX.Element {
  if (column.masked === true) return <span class="quiet">personal: values are not shown to you</span>;
  if (column.bins !== undefined) {
    const isInstant = column.to === 'instant';
    return (
      <TwoHistograms
        name={column.column}
        bins={column.bins}
        {...(isInstant ? { text: (value: number) => new Date(value).toISOString().slice(0, 10) } : {})}
      />
    );
  }
  if (column.categories === undefined) return <span class="quiet">—</span>;
  const { top, others } = column.categories;
  if (top.length === 0) return <span class="quiet">every value once</span>;
  const rest = others.values === 0 ? [] : [{ value: `${number(others.values, 0)} others`, from: others.from, to: others.to }];
  return (
    <TwoShares values={[...top.slice(0, 4), ...rest]} totals={{ from: rows.from - column.missing.from, to: rows.to - column.missing.to }} />
  );
}
