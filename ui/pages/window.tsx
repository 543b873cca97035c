import type { JSX } from 'preact';
import type { ColumnDrift, Window } from '#contract';
import { Bars, Intervals } from '../charts/bars.tsx';
import { absoluteTime, counted, duration, measured, number, percent } from '../lib/format.ts';
import { directionMark, metricLabel, thresholdOf } from '../lib/metrics.ts';
import { useResource } from '../lib/resource.ts';
import { versionName } from '../lib/versions.ts';
import { Card, Facts, Load, Page, RawJson } from '../parts/page.tsx';
import { State } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { DigestText, When } from '../parts/values.tsx';
import { VersionRef } from '../parts/version-ref.tsx';
import { monitorKinds } from './health.tsx';

/** One window: how many, how fast, how well, what moved. */
export function WindowPage({ id }: { readonly id: string }): JSX.Element {
  const window = useResource<Window>(`windows/${id}`, monitorKinds);
  return (
    <Load of={window} what="This window">
      {(data) => <WindowRecord window={data} />}
    </Load>
  );
}

function WindowRecord({ window }: { readonly window: Window }): JSX.Element {
  const missed = window.performance.filter(({ met }) => met === false);
  const drift = [...window.drift, ...(window.predictionDrift === undefined ? [] : [window.predictionDrift])].toSorted(
    (a, b) => b.psi - a.psi,
  );
  const metrics = window.performance.flatMap((metric) => (metric.value === null ? [] : [{ ...metric, value: metric.value }]));
  const tone = missed.length > 0 ? 'bad' : window.driftedColumns.length > 0 ? 'warn' : 'good';
  return (
    <Page
      kind="Window"
      title={`${absoluteTime(window.start)} of ${window.environment}`}
      crumbs={[
        { text: 'Health', href: '/monitor' },
        { text: window.environment, href: `/monitor?environment=${encodeURIComponent(window.environment)}` },
      ]}
      truth={
        <p>
          {window.judged ? (
            <State tone={tone}>
              {missed.length > 0
                ? `${missed.map((metric) => `${metricLabel(metric.name)} ${measured(metric.value, metric.interval)} misses ${metric.threshold ?? ''}`).join('; ')}`
                : window.driftedColumns.length > 0
                  ? `${window.driftedColumns.length} of ${window.drift.length} columns drifted`
                  : 'well'}
            </State>
          ) : (
            <State tone="off">not judged: too few rows</State>
          )}{' '}
          {counted(window.rows, 'row')}, {number(window.labelled, 0)} labelled, {window.modelVersions.map(versionName).join(' and ')};
          revision {window.revision}, computed <When at={window.computedAt} />
        </p>
      }
    >
      <div class="cards">
        {metrics.length > 0 && (
          <Card title="On actuals" wide says={`${counted(window.labelled, 'label')} of ${counted(window.rows, 'prediction')}.`}>
            <Intervals
              label="Metrics on actuals"
              rows={metrics.map((metric) => {
                const threshold = thresholdOf(metric.threshold)?.value;
                return {
                  name: `${metricLabel(metric.name)} ${directionMark(metric.name)}`,
                  value: metric.value,
                  ...(metric.interval === undefined ? {} : { interval: metric.interval }),
                  ...(threshold === undefined ? {} : { threshold }),
                  text: measured(metric.value, metric.interval),
                  bad: metric.met === false,
                };
              })}
            />
          </Card>
        )}
        <Card
          title="What moved"
          wide
          says={window.driftedColumns.length === 0 ? 'No column drifted.' : `Drifted: ${window.driftedColumns.join(', ')}.`}
        >
          <Bars
            label="Drift by column"
            unit="population stability index"
            file="drift"
            bars={drift.slice(0, 12).map(({ column, psi }) => ({ name: column, value: psi }))}
          />
          <DriftTable drift={drift} />
        </Card>
        {window.integrity.length > 0 && (
          <Card title="Integrity" wide>
            <Table
              name="integrity"
              caption="Findings on the inputs"
              rows={window.integrity}
              rowKey={({ kind, column }) => kind + column}
              columns={[
                { key: 'kind', head: 'Finding', value: ({ kind }) => kind.replaceAll('_', ' ') },
                { key: 'column', head: 'Column', value: ({ column }) => column },
                { key: 'rows', head: 'Rows', number: true, value: ({ rows }) => rows },
                { key: 'share', head: 'Share', number: true, value: ({ share }) => share, cell: ({ share }) => percent(share) },
                { key: 'example', head: 'Such as', value: ({ example }) => example },
              ]}
            />
          </Card>
        )}
        <Card title="Record" wide>
          <Facts
            facts={[
              ['From', absoluteTime(window.start)],
              ['To', absoluteTime(window.end)],
              ['Versions', window.modelVersions.map((version) => <VersionRef key={version} id={version} />)],
              [
                'Latency',
                `p50 ${window.latency.p50Ms === null ? 'not measured' : duration(window.latency.p50Ms)}, p99 ${window.latency.p99Ms === null ? 'not measured' : duration(window.latency.p99Ms)}`,
              ],
              window.rowsFile === undefined ? undefined : ['Rows file', <DigestText digest={window.rowsFile} />],
            ]}
          />
          <RawJson value={window} />
        </Card>
      </div>
    </Page>
  );
}

function DriftTable({ drift }: { readonly drift: readonly ColumnDrift[] }): JSX.Element {
  return (
    <Table
      name="drift"
      caption="Drift by column"
      rows={drift}
      rowKey={({ column }) => column}
      columns={[
        { key: 'column', head: 'Column', value: ({ column }) => column },
        {
          key: 'verdict',
          head: 'Verdict',
          value: ({ drifted }) => String(drifted),
          cell: ({ drifted }) => (drifted ? <State tone="warn">drifted</State> : <span class="quiet">as before</span>),
        },
        { key: 'psi', head: 'PSI', number: true, value: ({ psi }) => psi, cell: ({ psi }) => number(psi, 3) },
        { key: 'test', head: 'Test', value: ({ test }) => test.replaceAll('_', ' ') },
        {
          key: 'statistic',
          head: 'Statistic',
          number: true,
          value: ({ statistic }) => statistic,
          cell: ({ statistic }) => number(statistic),
        },
        {
          key: 'p',
          head: 'p, adjusted',
          number: true,
          value: ({ adjustedPValue }) => adjustedPValue,
          cell: ({ adjustedPValue }) => number(adjustedPValue),
        },
      ]}
    />
  );
}
