import type { JSX } from 'preact';
import type { Report, ReportVersion } from '#contract';
import { send } from '../../lib/api.ts';
import { recordPath } from '../../lib/records.ts';
import { type Page as PageOf, useResource } from '../../lib/resource.ts';
import { navigate, queryValue, setQuery } from '../../lib/router.ts';
import { lacks, may, who } from '../../lib/session.ts';
import { Action } from '../../parts/action.tsx';
import { Card, Load, Page } from '../../parts/page.tsx';
import { Table } from '../../parts/table.tsx';
import { Copy, When, Who } from '../../parts/values.tsx';
import { ReportEditor } from './report-editor.tsx';
import { ReportText } from './report-figure.tsx';

const crumbs = [
  { text: 'Experiments', href: '/experiments' },
  { text: 'Reports', href: '/reports' },
];

/** One report: its text, or its editor, and its history. */
export function ReportPage({ id }: { readonly id: string }): JSX.Element {
  const asked = queryValue('version');
  const path = `reports/${encodeURIComponent(id)}`;
  const report = useResource<Report>(asked === undefined ? path : `${path}?version=${encodeURIComponent(asked)}`, ['report.']);
  const isEdited = queryValue('edit') !== undefined && asked === undefined;
  return (
    <Page
      kind="Report"
      title={report.data?.title ?? 'Report'}
      crumbs={crumbs}
      truth={
        report.data !== undefined && (
          <p>
            version {report.data.version}, by <Who actor={report.data.changedBy} /> <When at={report.data.changedAt} />
            {asked !== undefined && (
              <>
                {' '}
                · <a href={recordPath('report', id)}>the newest version</a>
              </>
            )}
          </p>
        )
      }
      actions={report.data !== undefined && !isEdited && <ReportActions report={report.data} isNewest={asked === undefined} />}
    >
      <div class="cards">
        <Load of={report} what="The report">
          {(shown) =>
            isEdited ? (
              <ReportEditor
                key={id}
                title={shown.title}
                text={shown.text}
                basedOn={shown.version}
                save={async (draft) => {
                  await send<Report>('PUT', path, draft);
                  setQuery({ edit: undefined });
                }}
                close={() => setQuery({ edit: undefined })}
              />
            ) : (
              <Card title="Text" wide>
                <ReportText title={shown.title} text={shown.text} />
              </Card>
            )
          }
        </Load>
        {!isEdited && <History id={id} />}
      </div>
    </Page>
  );
}

function ReportActions({ report, isNewest }: { readonly report: Report; readonly isNewest: boolean }): JSX.Element {
  const { id, title, by } = report;
  const missing = lacks('log');
  const isOwn = by.identity === who.value?.identity.id || may('administer');
  return (
    <>
      {isNewest &&
        (missing === undefined ? (
          <button type="button" class="primary" onClick={() => setQuery({ edit: '1' })}>
            Edit
          </button>
        ) : (
          <p class="quiet">Editing {missing}.</p>
        ))}
      <span>
        Link <Copy text={`${location.origin}${recordPath('report', id)}`} what="link to this report" />
      </span>
      {isOwn && (
        <Action
          label="Delete"
          permission="log"
          explain={<p>“{title}” goes with all its versions. This cannot be taken back; the runs stay as they are.</p>}
          confirmWord={title}
          act={async () => {
            await send('DELETE', `reports/${encodeURIComponent(id)}`);
            navigate('/reports');
          }}
        />
      )}
    </>
  );
}

function History({ id }: { readonly id: string }): JSX.Element {
  const versions = useResource<PageOf<ReportVersion>>(`reports/${encodeURIComponent(id)}/versions?limit=1000`, ['report.']);
  return (
    <Card title="History" wide>
      <Load of={versions} what="The history">
        {({ items }) => (
          <Table
            name="versions"
            caption="Versions"
            rows={items}
            rowKey={({ version }) => String(version)}
            columns={[
              {
                key: 'version',
                head: 'Version',
                number: true,
                value: ({ version }) => version,
                cell: ({ version }) => <a href={`${recordPath('report', id)}?version=${version}`}>{version}</a>,
              },
              { key: 'title', head: 'Title', value: ({ title }) => title },
              { key: 'by', head: 'By', value: ({ by }) => by.name, cell: ({ by }) => <Who actor={by} /> },
              { key: 'at', head: 'At', value: ({ at }) => at, cell: ({ at }) => <When at={at} /> },
            ]}
          />
        )}
      </Load>
    </Card>
  );
}

const firstText = `# What we see

Text in **Markdown**. A figure is a block of its own:

\`\`\`chart
metric: loss
limit: 20
order: attributes.start_time DESC
\`\`\`
`;

/** A report that is not there yet. */
export function NewReportPage(): JSX.Element {
  return (
    <Page title="New report" crumbs={crumbs}>
      <div class="cards">
        <ReportEditor
          title=""
          text={firstText}
          basedOn={0}
          save={async ({ title, text }) => {
            const made = await send<Report>('POST', 'reports', { title, text });
            navigate(recordPath('report', made.id), { replace: true });
          }}
          close={() => navigate('/reports')}
        />
      </div>
    </Page>
  );
}
