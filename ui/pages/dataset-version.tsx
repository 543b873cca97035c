import type { JSX } from 'preact';
import type { ColumnProfile, DatasetProfile, DatasetVersion, QualityReport, Split } from '#contract';
import { Histogram, TopValues } from '../charts/histogram.tsx';
import { counted, number, percent, shortDigest } from '../lib/format.ts';
import { recordPath } from '../lib/records.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import type { ProjectView } from '../lib/shapes.ts';
import { Card, LineageStrip, Load, Page, RawJson } from '../parts/page.tsx';
import { StateShape, type Tone } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { RecordRef, When, Who } from '../parts/values.tsx';
import { ManifestFacts, SplitCard } from './data.tsx';
import { RowsCard } from './rows-card.tsx';

/** One dataset version: what is in it, how good it is, where it came from. */
export function DatasetVersionPage({ digest }: { readonly digest: string }): JSX.Element {
  const version = useResource<DatasetVersion>(`datasets/${digest}`);
  return (
    <Load of={version} what="This dataset version">
      {(data) => (
        <Page
          kind="Dataset version"
          title={`${data.dataset}${data.part === undefined ? '' : `, part ${data.part}`}`}
          crumbs={[
            { text: 'Data', href: '/data' },
            ...(data.manifest.derivedFrom?.parents ?? []).map((parent) => ({
              text: `${data.dataset} ${shortDigest(parent)}`,
              href: recordPath('dataset_version', parent),
            })),
          ]}
          truth={
            <p>
              <b>{counted(data.manifest.rows, 'row')}</b> of {counted(data.schema.columns.length, 'column')}, from {data.source}; made{' '}
              <When at={data.createdAt} /> by <Who actor={data.createdBy} />
            </p>
          }
        >
          <div class="cards">
            {data.part === undefined && <QualityCard digest={data.digest} />}
            <ProfileCard version={data} />
            <Splits digest={data.digest} />
            <RowsCard digest={data.digest} />
            <Card title="Where from, where to" wide>
              <LineageStrip
                steps={[
                  { what: 'source', text: data.source },
                  data.manifest.derivedFrom === undefined
                    ? undefined
                    : {
                        what: 'whole',
                        text: data.manifest.derivedFrom.parents.map((parent) => (
                          <RecordRef key={parent} kind="dataset_version" id={parent} />
                        )),
                      },
                  {
                    what: data.part === undefined ? 'dataset version' : `part ${data.part}`,
                    text: <code>{shortDigest(data.digest)}</code>,
                    here: true,
                  },
                ]}
              />
              <ManifestFacts version={data} />
              <RawJson value={data} />
            </Card>
          </div>
        </Page>
      )}
    </Load>
  );
}

function markTone(score: number | null): Tone {
  if (score === null) return 'off';
  if (score >= 0.95) return 'good';
  return score >= 0.8 ? 'warn' : 'bad';
}

/** Five marks, each with its checks and the rows that fail them. */
function QualityCard({ digest }: { readonly digest: string }): JSX.Element {
  const report = useResource<QualityReport>(`datasets/${digest}/quality`, ['quality_report.']);
  return (
    <Card
      title="Quality"
      wide
      says="Five marks from 0 to 1; each is made of named checks. Open one for the checks and the rows that fail them."
    >
      <Load of={report} what="The quality report">
        {({ characteristics, violations }) => (
          <>
            <p class={violations > 0 ? 'tone-bad' : 'quiet'}>
              {violations === 0 ? 'No check of severity error fails.' : `${counted(violations, 'check')} of severity error fail.`}
            </p>
            <div class="marks">
              {characteristics.map((mark) => (
                <details key={mark.name} class={`mark-box tone-${markTone(mark.score)}`}>
                  <summary>
                    <StateShape tone={markTone(mark.score)} />
                    <span class="mark-name">{mark.name}</span>
                    <b>{mark.score === null ? 'not measurable' : number(mark.score, 3)}</b>
                    <span class="meter">
                      <i style={{ width: `${100 * (mark.score ?? 0)}%` }} />
                    </span>
                  </summary>
                  <ul class="checks">
                    {mark.checks.map((check) => (
                      <li key={check.name} class={check.score !== null && check.score < 1 ? `severity-${check.severity}` : undefined}>
                        <span class="check-score">{check.score === null ? '—' : number(check.score, 3)}</span>
                        <span>
                          <b>{check.name.replaceAll('_', ' ')}</b> {check.message}
                          {check.examples.length > 0 && (
                            <span class="quiet">
                              {' '}
                              such as{' '}
                              {check.examples
                                .slice(0, 4)
                                .map(({ row, column, value }) =>
                                  `${row === undefined ? '' : `row ${row} `}${column ?? ''} ${value === null ? '(missing)' : `“${value}”`}`.trim(),
                                )
                                .join(', ')}
                            </span>
                          )}
                        </span>
                      </li>
                    ))}
                  </ul>
                </details>
              ))}
            </div>
          </>
        )}
      </Load>
    </Card>
  );
}

function ProfileCard({ version }: { readonly version: DatasetVersion }): JSX.Element {
  const project = useResource<ProjectView>('project', ['project.loaded']);
  const target = project.data?.project.data[version.dataset]?.target;
  const known = project.data !== undefined || project.error !== undefined;
  const profile = useResource<DatasetProfile>(
    known ? `datasets/${version.digest}/profile${target === undefined ? '' : `?target=${encodeURIComponent(target)}`}` : undefined,
  );
  return (
    <Card title="Columns" wide says={target === undefined ? undefined : `The last column says how much each one tells about ${target}.`}>
      <Load of={profile} what="The profile">
        {({ columns, rows }) => (
          <Table
            name="columns"
            caption="Profile of every column"
            rows={columns}
            rowKey={({ name }) => name}
            columns={[
              { key: 'name', head: 'Column', value: ({ name }) => name, cell: ({ name, type }) => <ColumnName name={name} type={type} /> },
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
  );
}

function ColumnName({ name, type }: { readonly name: string; readonly type: string }): JSX.Element {
  return (
    <>
      <b>{name}</b> <span class="tag">{type}</span>
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

function Splits({ digest }: { readonly digest: string }): JSX.Element {
  const splits = useResource<PageOf<Split>>(`datasets/${digest}/splits`, ['split.']);
  return (
    <>
      {splits.data?.items.slice(0, 1).map((split) => (
        <SplitCard key={split.id} split={split} />
      ))}
    </>
  );
}
