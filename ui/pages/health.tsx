import type { JSX } from 'preact';
import type { Alert, Window } from '#contract';
import { HeatStrip } from '../charts/heat-strip.tsx';
import { LineChart } from '../charts/line.tsx';
import { absoluteTime, chosen as plainNumber, counted, day, measured, number } from '../lib/format.ts';
import { directionMark, metricLabel, thresholdOf } from '../lib/metrics.ts';
import { recordPath } from '../lib/records.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { queryValue, setQuery } from '../lib/router.ts';
import type { ProjectView } from '../lib/shapes.ts';
import { versionName } from '../lib/versions.ts';
import { Card, Empty, Load, Page } from '../parts/page.tsx';
import { State } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { Command, Metric, When } from '../parts/values.tsx';

export const monitorKinds = ['window.', 'alert.', 'labels.'];

/** The last windows of one environment, oldest first. */
export function HealthPage(): JSX.Element {
  const windows = useResource<PageOf<Window>>('windows?first=newest&limit=120', monitorKinds);
  return (
    <Load of={windows} what="The windows">
      {({ items }) => {
        if (items.length === 0) {
          return (
            <Page
              title="Health"
              truth={<p>Predictions are gathered in windows and judged: volume, latency, drift, and accuracy once labels arrive.</p>}
            >
              <Empty title="No window yet.">
                Send predictions to a released endpoint, then <Command>gyre monitor evaluate</Command>; labels come with{' '}
                <Command>gyre label</Command>
              </Empty>
            </Page>
          );
        }
        const places = [...new Set(items.map(({ environment }) => environment))];
        const chosen = queryValue('environment') ?? (places.includes('production') ? 'production' : places[0]);
        const shown = items.filter(({ environment }) => environment === chosen).toSorted((a, b) => a.start.localeCompare(b.start));
        return <Windows windows={shown} places={places} chosen={chosen} />;
      }}
    </Load>
  );
}

function Windows({
  windows,
  places,
  chosen,
}: {
  readonly windows: readonly Window[];
  readonly places: readonly string[];
  readonly chosen: string | undefined;
}): JSX.Element {
  const alerts = useResource<PageOf<Alert>>('alerts?limit=50', ['alert.']);
  const project = useResource<ProjectView>('project', ['project.loaded']);
  const open = alerts.data?.items.find(({ state, environment }) => state !== 'resolved' && environment === chosen);
  const newest = windows.at(-1);
  const counts = project.data?.project.monitor?.drift?.psi ?? 0.1;
  return (
    <Page
      title={`Health of ${chosen ?? 'nothing'}`}
      truth={
        <p>
          {open === undefined ? <State tone="good">no alert is open</State> : <State tone="bad">{open.title}</State>}{' '}
          {open !== undefined && <a href={recordPath('alert', open.id)}>{open.cause}</a>}{' '}
          {newest !== undefined && (
            <span class="quiet">
              Newest window: {counted(newest.rows, 'row')}, {number(newest.labelled, 0)} labelled, from <When at={newest.start} absolute />,{' '}
              {newest.modelVersions.map(versionName).join(' and ')}
            </span>
          )}
        </p>
      }
      actions={
        places.length < 2 ? undefined : (
          <div class="chips" role="group" aria-label="Environment">
            {places.map((place) => (
              <button
                key={place}
                type="button"
                class="chip"
                aria-pressed={place === chosen}
                onClick={() => setQuery({ environment: place })}
              >
                {place}
              </button>
            ))}
          </div>
        )
      }
    >
      <div class="cards">
        <PerformanceCards windows={windows} />
        <Card
          title="Drift by column"
          wide
          says={`Population stability index against training. A dot marks a column that drifted: significant, and at least ${plainNumber(counts)}.`}
          aside={<HeatKey counts={counts} />}
        >
          <HeatStrip windows={windows} counts={counts} />
        </Card>
        <VolumeCard windows={windows} />
        <LatencyCard windows={windows} />
        <Card title="Windows" wide>
          <WindowTable windows={windows.toReversed()} />
        </Card>
      </div>
    </Page>
  );
}

function HeatKey({ counts }: { readonly counts: number }): JSX.Element {
  return (
    <span class="heat-key quiet">
      0
      {[0, 1, 2, 3, 4].map((step) => (
        <i key={step} class={`heat heat-${step}`} />
      ))}
      {plainNumber(5 * counts)}+
    </span>
  );
}

function seconds(windows: readonly Window[]): readonly number[] {
  return windows.map(({ start }) => Date.parse(start) / 1000);
}

const atTime = (x: number): string => absoluteTime(new Date(x * 1000).toISOString());

/** Each metric that is watched, over windows, with its interval and threshold. */
export function PerformanceCards({ windows }: { readonly windows: readonly Window[] }): JSX.Element {
  const names = [...new Set(windows.flatMap(({ performance }) => performance.map(({ name }) => name)))];
  const watched = names.filter((name) =>
    windows.some(({ performance }) => performance.some((metric) => metric.name === name && metric.threshold !== undefined)),
  );
  const shown = (watched.length > 0 ? watched : names).slice(0, 3);
  return (
    <>
      {shown.map((name) => {
        const metrics = windows.map(({ performance }) => performance.find((metric) => metric.name === name));
        const text = metrics.findLast((metric) => metric?.threshold !== undefined)?.threshold;
        const newest = metrics.findLast((metric) => metric?.value !== null && metric !== undefined);
        return (
          <Card
            key={name}
            title={`${metricLabel(name)} ${directionMark(name)} on actuals`}
            wide
            says={
              newest === undefined ? undefined : <Metric name={name} value={newest.value} interval={newest.interval} threshold={text} />
            }
          >
            <LineChart
              label={`${metricLabel(name)} over ${windows.length} windows, newest ${measured(newest?.value, newest?.interval)}${text === undefined ? '' : `, wanted ${text}`}`}
              file={`performance-${name}`}
              spec={{
                x: seconds(windows),
                time: true,
                xName: 'start',
                xText: atTime,
                series: [
                  {
                    name: metricLabel(name),
                    colour: 1,
                    values: metrics.map((metric) => metric?.value ?? null),
                    low: metrics.map((metric) => metric?.interval?.low ?? null),
                    high: metrics.map((metric) => metric?.interval?.high ?? null),
                  },
                ],
                threshold: {
                  name: (value) => `wanted ${text === undefined ? '' : text.trim().startsWith('<') ? '≤' : '≥'} ${number(value)}`,
                  values: metrics.map((metric) => thresholdOf(metric?.threshold)?.value ?? null),
                },
                unit: '',
                text: (value, _series, index) => measured(value, metrics[index]?.interval),
                height: 220,
              }}
            />
          </Card>
        );
      })}
    </>
  );
}

function VolumeCard({ windows }: { readonly windows: readonly Window[] }): JSX.Element {
  return (
    <Card title="Volume" says="Predictions in each window, and how many have a label.">
      <LineChart
        label={`Volume over ${windows.length} windows`}
        file="volume"
        spec={{
          x: seconds(windows),
          time: true,
          xName: 'start',
          xText: atTime,
          series: [
            { name: 'rows', colour: 1, values: windows.map(({ rows }) => rows) },
            { name: 'labelled', colour: 3, values: windows.map(({ labelled }) => labelled) },
          ],
          unit: 'rows',
          text: (value) => number(value, 0),
          height: 180,
          fromZero: true,
        }}
      />
    </Card>
  );
}

function LatencyCard({ windows }: { readonly windows: readonly Window[] }): JSX.Element {
  return (
    <Card title="Latency" says="Time in the data plane, in milliseconds.">
      <LineChart
        label={`Latency over ${windows.length} windows`}
        file="latency"
        spec={{
          x: seconds(windows),
          time: true,
          xName: 'start',
          xText: atTime,
          series: [
            { name: 'p50', colour: 1, values: windows.map(({ latency }) => latency.p50Ms) },
            { name: 'p99', colour: 2, values: windows.map(({ latency }) => latency.p99Ms) },
          ],
          unit: 'ms',
          text: (value) => `${number(value, 2)} ms`,
          height: 180,
          fromZero: true,
        }}
      />
    </Card>
  );
}

export function WindowTable({ windows }: { readonly windows: readonly Window[] }): JSX.Element {
  return (
    <Table
      name="windows"
      caption="Windows"
      rows={windows}
      rowKey={({ id }) => id}
      href={({ id }) => recordPath('window', id)}
      columns={[
        {
          key: 'start',
          head: 'Start',
          value: ({ start }) => start,
          cell: ({ id, start }) => <a href={recordPath('window', id)}>{`${day(start)} ${start.slice(11, 16)}`}</a>,
        },
        { key: 'rows', head: 'Rows', number: true, value: ({ rows }) => rows, cell: ({ rows }) => number(rows, 0) },
        { key: 'labelled', head: 'Labelled', number: true, value: ({ labelled }) => labelled, cell: ({ labelled }) => number(labelled, 0) },
        {
          key: 'performance',
          head: 'On actuals',
          value: ({ performance }) => performance.find(({ threshold }) => threshold !== undefined)?.value,
          cell: ({ performance }) => {
            const metric = performance.find(({ threshold }) => threshold !== undefined) ?? performance[0];
            if (metric === undefined) return '—';
            return (
              <span class={metric.met === false ? 'tone-bad' : undefined}>
                {metricLabel(metric.name)} {measured(metric.value, metric.interval)}
                {metric.met === false && ' (too low)'}
              </span>
            );
          },
        },
        {
          key: 'drifted',
          head: 'Drifted',
          number: true,
          value: ({ driftedColumns }) => driftedColumns.length,
          cell: ({ driftedColumns }) => <span title={driftedColumns.join(', ')}>{driftedColumns.length}</span>,
        },
        { key: 'versions', head: 'Version', value: ({ modelVersions }) => modelVersions.map(versionName).join(', ') },
        {
          key: 'judged',
          head: 'Judged',
          value: ({ judged }) => String(judged),
          cell: ({ judged }) => (judged ? 'yes' : <span class="quiet">too few rows</span>),
        },
      ]}
    />
  );
}
