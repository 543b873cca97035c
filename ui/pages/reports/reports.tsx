import type { JSX } from 'preact';
import type { ReportSummary } from '#contract';
import { recordPath } from '../../lib/records.ts';
import { type Page as PageOf, useResource } from '../../lib/resource.ts';
import { lacks } from '../../lib/session.ts';
import { Card, Empty, Load, Page } from '../../parts/page.tsx';
import { Table } from '../../parts/table.tsx';
import { Command, When, Who } from '../../parts/values.tsx';

/** Pages of text with figures of runs. */
export function ReportsPage(): JSX.Element {
  const reports = useResource<PageOf<ReportSummary>>('reports?limit=1000', ['report.']);
  const missing = lacks('log');
  return (
    <Page
      title="Reports"
      crumbs={[{ text: 'Experiments', href: '/experiments' }]}
      truth={<p>Text with live figures of runs, for whoever has the link.</p>}
      actions={
        missing === undefined ? (
          <a class="button" href="/reports/new">
            Write a report
          </a>
        ) : (
          <p class="quiet">Writing one {missing}.</p>
        )
      }
    >
      <div class="cards">
        <Card title="Reports" wide>
          <Load of={reports} what="The reports">
            {({ items }) =>
              items.length === 0 ? (
                <Empty title="No report yet.">
                  <Command>gyre reports write depth.md</Command> makes one of a Markdown file.
                </Empty>
              ) : (
                <Table
                  name="reports"
                  caption="Reports"
                  rows={items}
                  rowKey={({ id }) => id}
                  href={({ id }) => recordPath('report', id)}
                  columns={[
                    {
                      key: 'title',
                      head: 'Report',
                      value: ({ title }) => title,
                      cell: ({ id, title }) => <a href={recordPath('report', id)}>{title}</a>,
                    },
                    { key: 'version', head: 'Version', number: true, value: ({ version }) => version },
                    { key: 'by', head: 'Written by', value: ({ by }) => by.name, cell: ({ by }) => <Who actor={by} /> },
                    {
                      key: 'changed',
                      head: 'Changed by',
                      value: ({ changedBy }) => changedBy.name,
                      cell: ({ changedBy }) => <Who actor={changedBy} />,
                    },
                    { key: 'at', head: 'Changed', value: ({ changedAt }) => changedAt, cell: ({ changedAt }) => <When at={changedAt} /> },
                  ]}
                />
              )
            }
          </Load>
        </Card>
      </div>
    </Page>
  );
}
