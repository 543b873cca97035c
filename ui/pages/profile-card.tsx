import type { JSX } from 'preact';
import type { ColumnProfile, DatasetProfile, DatasetVersion, QualityReport } from '#contract';
import { Histogram, TopValues } from '../charts/histogram.tsx';
import { number, percent } from '../lib/format.ts';
import { useResource } from '../lib/resource.ts';
import { queryValue, setQuery } from '../lib/router.ts';
import type { ProjectView } from '../lib/shapes.ts';
import { Card, Load } from '../parts/page.tsx';
import { Table } from '../parts/table.tsx';
import { ColumnCard } from './column-card.tsx';
import type { Check } from './quality-card.tsx';

/** How the values of each column lie, and what each tells about the target. */
export function ProfileCard({ version }: { readonly version: DatasetVersion }): JSX.Element {
  const project = useResource<ProjectView>('project', ['project.loaded']);
  const target = project.data?.project.data[version.dataset]?.target;
  const known = project.data !== undefined || project.error !== undefined;
  const profile = useResource<DatasetProfile>(
    known ? `datasets/${version.digest}/profile${target === undefined ? '' : `?target=${encodeURIComponent(target)}`}` : undefined,
  );
  // nobody judges predictions as they judge what comes in
  const isPredicted = version.manifest.derivedFrom?.operation === 'predict';
  const report = useResource<QualityReport>(isPredicted ? undefined : `datasets/${version.digest}/quality`, ['quality_report.']);
  const chosen = queryValue('column');
  const detail = profile.data?.columns.find(({ name }) => name === chosen);
  return (
    <>
      {detail !== undefined && profile.data !== undefined && (
        <ColumnCard
          column={detail}
          rows={profile.data.rows}
          expected={version.schema.columns.find(({ name }) => name === detail.name)}
          checks={checksOf(report.data, detail.name)}
        />
      )}
      <Card title="Columns" wide says={target === undefined ? undefined : `The last column says how much each one tells about ${target}.`}>
        <Load of={profile} what="The profile">
          {({ columns, rows }) => (
            <Table
              name="columns"
              caption="Profile of every column"
              rows={columns}
              rowKey={({ name }) => name}
              columns={[
                {
                  key: 'name',
                  head: 'Column',
                  value: ({ name }) => name,
                  cell: ({ name, type }) => <ColumnName name={name} type={type} />,
                },
                {
                  key: 'shape',
                  head: 'Distribution',
                  value: ({ distinct }) => distinct,
                  cell: (column) => <Distribution column={column} rows={rows} />,
                },
                {
                  key: 'missing',
                  head: 'Missing',
                  number: true,
                  value: ({ missing }) => missing,
                  cell: ({ missing }) =>
                    missing === 0 ? <span class="quiet">none</span> : `${number(missing, 0)} (${percent(missing / Math.max(1, rows))})`,
                },
                {
                  key: 'distinct',
                  head: 'Distinct',
                  number: true,
                  value: ({ distinct }) => distinct,
                  cell: ({ distinct }) => number(distinct, 0),
                },
                {
                  key: 'mean',
                  head: 'Mean ± sd',
                  number: true,
                  value: ({ numeric }) => numeric?.mean,
                  cell: ({ numeric }) => spread(numeric),
                },
                { key: 'range', head: 'Range', number: true, value: ({ numeric }) => numeric?.max, cell: (column) => range(column) },
                {
                  key: 'association',
                  head: target === undefined ? 'Association' : `With ${target}`,
                  number: true,
                  value: ({ association }) => (association === undefined ? undefined : Math.abs(association.value)),
                  cell: ({ association }) =>
                    association === undefined ? (
                      '—'
                    ) : (
                      <span title={association.measure.replaceAll('_', ' ')}>{number(association.value, 3)}</span>
                    ),
                },
              ]}
            />
          )}
        </Load>
      </Card>
    </>
  );
}

/** The checks that speak of this column. */
function checksOf(report: QualityReport | undefined, column: string): readonly Check[] {
  return (report?.characteristics ?? []).flatMap(({ checks }) => checks).filter((check) => check.column === column);
}

function ColumnName({ name, type }: { readonly name: string; readonly type: string }): JSX.Element {
  return (
    <>
      <button type="button" class="plain name" onClick={() => setQuery({ column: name })}>
        {name}
      </button>{' '}
      <span class="tag">{type}</span>
    </>
  );
}

function Distribution({ column, rows }: { readonly column: ColumnProfile; readonly rows: number }): JSX.Element {
  if (column.numeric !== undefined) return <Histogram name={column.name} numeric={column.numeric} />;
  if (column.text !== undefined) {
    return column.distinct === column.count && column.count > 20 ? (
      <span class="quiet">every value once</span>
    ) : (
      <TopValues top={column.text.top} rows={rows} />
    );
  }
  return <span class="quiet">—</span>;
}

function spread(numeric: ColumnProfile['numeric']): string {
  if (numeric === undefined || numeric.mean === null) return '—';
  return numeric.std === null ? number(numeric.mean) : `${number(numeric.mean)} ± ${number(numeric.std)}`;
}

function range({ numeric, text, instants }: ColumnProfile): string {
  if (numeric !== undefined && numeric.min !== null && numeric.max !== null) return `${number(numeric.min)} – ${number(numeric.max)}`;
  if (instants?.first !== undefined && instants.last !== undefined) return `${instants.first.slice(0, 10)} – ${instants.last.slice(0, 10)}`;
  return text === undefined ? '—' : `${text.minLength}–${text.maxLength} characters`;
}
