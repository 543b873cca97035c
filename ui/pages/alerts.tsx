import type { JSX } from 'preact';
import type { Action as ActionRecord, Alert, Window } from '#contract';
import { Bars } from '../charts/bars.tsx';
import { send } from '../lib/api.ts';
import { absoluteTime, counted, duration, measured, sentence } from '../lib/format.ts';
import { metricLabel } from '../lib/metrics.ts';
import { recordPath } from '../lib/records.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { queryValue } from '../lib/router.ts';
import { versionName } from '../lib/versions.ts';
import { Action } from '../parts/action.tsx';
import { Card, Empty, Facts, LineageStrip, Load, Page, RawJson } from '../parts/page.tsx';
import { WordState } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { Command, RecordRef, When } from '../parts/values.tsx';
import { VersionRef } from '../parts/version-ref.tsx';
import { PerformanceCards, WindowTable } from './health.tsx';

const kinds = ['alert.', 'action.'];

/** Alerts, newest first, and what was done about them. */
export function AlertsPage(): JSX.Element {
  const alerts = useResource<PageOf<Alert>>('alerts?limit=200', kinds);
  const actions = useResource<PageOf<ActionRecord>>('actions?limit=200', kinds);
  const open = alerts.data?.items.filter(({ state }) => state !== 'resolved') ?? [];
  return (
    <Page
      title="Alerts"
      truth={
        <p>
          {open.length === 0 ? 'No alert is open.' : `${counted(open.length, 'alert')} open: ${open.map(({ title }) => title).join('; ')}`}
        </p>
      }
    >
      <div class="cards">
        <Card title="Alerts" wide>
          <Load of={alerts} what="The alerts">
            {({ items }) =>
              items.length === 0 ? (
                <Empty title="No alert was raised.">
                  A window that crosses a threshold of <code>monitor</code> in gyre.yaml raises one, which names the cause.{' '}
                  <Command>gyre monitor evaluate</Command>
                </Empty>
              ) : (
                <Table
                  name="alerts"
                  caption="Alerts"
                  rows={items}
                  rowKey={({ id }) => id}
                  href={({ id }) => recordPath('alert', id)}
                  columns={[
                    {
                      key: 'title',
                      head: 'Alert',
                      value: ({ title }) => title,
                      cell: ({ title, id }) => <a href={recordPath('alert', id)}>{title}</a>,
                    },
                    { key: 'state', head: 'State', value: ({ state }) => state, cell: ({ state }) => <WordState word={state} /> },
                    { key: 'kind', head: 'Kind', value: ({ kind }) => kind.replaceAll('_', ' ') },
                    { key: 'cause', head: 'Cause', value: ({ cause }) => cause, cell: ({ cause }) => <span class="wrap">{cause}</span> },
                    {
                      key: 'version',
                      head: 'Version',
                      value: ({ modelVersion }) => versionName(modelVersion),
                      cell: ({ modelVersion }) => <VersionRef id={modelVersion} />,
                    },
                    { key: 'since', head: 'Since', value: ({ since }) => since, cell: ({ since }) => <When at={since} /> },
                    { key: 'raised', head: 'Raised', value: ({ raisedAt }) => raisedAt, cell: ({ raisedAt }) => <When at={raisedAt} /> },
                  ]}
                />
              )
            }
          </Load>
        </Card>
        <Card title="Actions" wide>
          <Load of={actions} what="The actions">
            {({ items }) =>
              items.length === 0 ? (
                <p class="quiet">What policy did about alerts shows here: notify, retrain, roll back.</p>
              ) : (
                <ActionTable actions={items} />
              )
            }
          </Load>
        </Card>
      </div>
    </Page>
  );
}

function ActionTable({ actions }: { readonly actions: readonly ActionRecord[] }): JSX.Element {
  const chosen = queryValue('action');
  return (
    <Table
      name="actions"
      caption="Actions"
      rows={actions}
      rowKey={({ id }) => id}
      marked={({ id }) => id === chosen}
      columns={[
        { key: 'kind', head: 'Action', value: ({ kind }) => kind.replaceAll('_', ' ') },
        { key: 'state', head: 'State', value: ({ state }) => state, cell: ({ state }) => <WordState word={state} /> },
        { key: 'reason', head: 'Reason', value: ({ reason }) => reason, cell: ({ reason }) => <span class="wrap">{reason}</span> },
        {
          key: 'outcome',
          head: 'Outcome',
          value: ({ outcome }) => outcome,
          cell: ({ outcome }) => <span class="wrap">{outcome ?? '—'}</span>,
        },
        {
          key: 'run',
          head: 'Pipeline run',
          value: ({ pipelineRun }) => pipelineRun,
          cell: ({ pipelineRun }) => (pipelineRun === undefined ? '—' : <RecordRef kind="pipeline_run" id={pipelineRun} />),
        },
        { key: 'at', head: 'Started', value: ({ startedAt }) => startedAt, cell: ({ startedAt }) => <When at={startedAt} /> },
        {
          key: 'took',
          head: 'Took',
          number: true,
          value: ({ startedAt, endedAt }) => (endedAt === undefined ? undefined : Date.parse(endedAt) - Date.parse(startedAt)),
          cell: ({ startedAt, endedAt }) => (endedAt === undefined ? '—' : duration(Date.parse(endedAt) - Date.parse(startedAt))),
        },
      ]}
    />
  );
}

/** One alert: why, what moved, in which windows, what was done, and whether it helped. */
export function AlertPage({ id }: { readonly id: string }): JSX.Element {
  const alert = useResource<Alert>(`alerts/${id}`, kinds);
  const actions = useResource<PageOf<ActionRecord>>(`actions?limit=50&alert=${encodeURIComponent(id)}`, kinds);
  return (
    <Load of={alert} what="This alert">
      {(data) => (
        <Page
          kind="Alert"
          title={sentence(data.title)}
          crumbs={[
            { text: versionName(data.modelVersion), href: recordPath('model_version', data.modelVersion) },
            { text: data.environment, href: `/monitor?environment=${encodeURIComponent(data.environment)}` },
            { text: 'first window', href: recordPath('window', data.firstWindow) },
          ]}
          truth={
            <>
              <p>
                <WordState word={data.state} /> {data.cause}
              </p>
              <p class="quiet">
                {data.metric !== undefined && `${metricLabel(data.metric)} ${measured(data.observed)}, wanted ${data.threshold}; `}
                {counted(data.windows, 'window')} since {absoluteTime(data.since)}; raised <When at={data.raisedAt} />
                {data.resolvedAt !== undefined && (
                  <>
                    , resolved <When at={data.resolvedAt} />
                  </>
                )}
              </p>
            </>
          }
          actions={
            data.state === 'resolved' ? undefined : (
              <Action
                label="Acknowledge"
                permission="operate"
                primary
                missing={data.state === 'acknowledged' ? ['it is acknowledged already'] : []}
                explain={
                  <p>Says that somebody has seen it. It stays open to new findings, and resolves by itself when a window is well again.</p>
                }
                act={() => send('POST', `alerts/${encodeURIComponent(id)}/acknowledge`)}
              />
            )
          }
        >
          <LineageStrip
            steps={[
              { what: 'model version', text: <VersionRef id={data.modelVersion} /> },
              { what: 'first window', text: <RecordRef kind="window" id={data.firstWindow} /> },
              { what: 'last window', text: <RecordRef kind="window" id={data.lastWindow} /> },
              { what: 'alert', text: data.kind.replaceAll('_', ' '), here: true },
              ...(actions.data?.items ?? []).flatMap(({ pipelineRun, kind }) =>
                pipelineRun === undefined ? [] : [{ what: kind, text: <RecordRef kind="pipeline_run" id={pipelineRun} /> }],
              ),
            ]}
          />
          <div class="cards">
            <Card title="What was done" wide>
              <Load of={actions} what="The actions">
                {({ items }) =>
                  items.length === 0 ? (
                    <p class="quiet">No action was taken: policy in gyre.yaml (monitor.onAlert) names none.</p>
                  ) : (
                    <ActionTable actions={items} />
                  )
                }
              </Load>
            </Card>
            {data.columns.length > 0 && (
              <Card title="Columns that moved" wide says="Population stability index against what the version was trained on.">
                <Bars
                  label="Columns that moved"
                  unit="population stability index"
                  bars={data.columns.toSorted((a, b) => b.psi - a.psi).map(({ column, psi }) => ({ name: column, value: psi }))}
                />
              </Card>
            )}
            <WindowsAround alert={data} />
            <Card title="Record" wide>
              <Facts
                facts={[
                  ['Endpoint', `${data.endpoint} in ${data.environment}`],
                  ['Threshold', data.threshold],
                  ['Id', <code>{data.id}</code>],
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

/** From a few windows before until after it was resolved: what was normal, what happened, whether it recovered. */
function WindowsAround({ alert }: { readonly alert: Alert }): JSX.Element {
  const windows = useResource<PageOf<Window>>(
    `windows?first=newest&limit=60&environment=${encodeURIComponent(alert.environment)}&endpoint=${encodeURIComponent(alert.endpoint)}`,
    ['window.'],
  );
  return (
    <Load of={windows} what="The windows">
      {({ items }) => {
        const ordered = items.toSorted((a, b) => a.start.localeCompare(b.start));
        return (
          <>
            <PerformanceCards windows={ordered} />
            <Card title="Windows" wide>
              <WindowTable windows={ordered.toReversed()} />
            </Card>
          </>
        );
      }}
    </Load>
  );
}
