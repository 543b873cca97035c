import type { JSX } from 'preact';
import type { DeliveryMetrics, DeliveryStage, EnvironmentState } from '#contract';
import { LineChart } from '../charts/line.tsx';
import { counted, day, duration, number } from '../lib/format.ts';
import { recordPath } from '../lib/records.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { queryValue, setQuery } from '../lib/router.ts';
import { Card, Facts, Load, Page } from '../parts/page.tsx';
import { State } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { Command, When } from '../parts/values.tsx';

const waits: Readonly<Record<DeliveryStage, string>> = {
  build: 'Until it was trained and registered',
  test: 'Until its application tests passed',
  certify: 'Until it was certified',
  approve: 'Until it was approved',
  release: 'Until it was released',
};

/** How often, how fast and how safely versions come to an environment. */
export function DeliveryPage(): JSX.Element {
  const environments = useResource<PageOf<EnvironmentState>>('environments', ['deployment.']);
  return (
    <Load of={environments} what="The environments">
      {({ items }) => {
        const names = items.map(({ name }) => name);
        const chosen = queryValue('environment') ?? names.at(-1) ?? '';
        return <OfEnvironment key={chosen} names={names} chosen={chosen} />;
      }}
    </Load>
  );
}

function OfEnvironment({ names, chosen }: { readonly names: readonly string[]; readonly chosen: string }): JSX.Element {
  const metrics = useResource<DeliveryMetrics>(`environments/${encodeURIComponent(chosen)}/delivery`, ['deployment.', 'rollout.']);
  return (
    <Page
      title={`Delivery to ${chosen}`}
      truth={
        <p>
          DORA’s four figures, from the records of every release: <Command>{`gyre release delivery ${chosen}`}</Command>
        </p>
      }
      actions={
        <div class="chips" role="group" aria-label="Environment">
          {names.map((name) => (
            <button key={name} type="button" class="chip" aria-pressed={name === chosen} onClick={() => setQuery({ environment: name })}>
              {name}
            </button>
          ))}
        </div>
      }
    >
      <Load of={metrics} what="The delivery metrics">
        {(data) => (
          <div class="cards">
            <FiguresCard metrics={data} />
            <WaitsCard metrics={data} />
            <TrendCard metrics={data} />
            <ChangesCard metrics={data} />
          </div>
        )}
      </Load>
    </Page>
  );
}

function FiguresCard({ metrics }: { readonly metrics: DeliveryMetrics }): JSX.Element {
  const { from, to, changes, failures, perWeek, leadTimeMs, changeFailureRate, restoreMs } = metrics;
  return (
    <Card title="The four figures" says={`From ${day(from)} to ${day(to)}; times are medians.`}>
      <Facts
        facts={[
          ['Deployment frequency', `${number(perWeek, 2)} a week, ${counted(changes, 'version')} in all`],
          ['Lead time', leadTimeMs === null ? 'unknown' : `${duration(leadTimeMs)}, from the newest of its data and code`],
          [
            'Change failure rate',
            changeFailureRate === null ? 'unknown' : `${number(changeFailureRate * 100, 1)} %: ${failures} of ${changes} rolled back`,
          ],
          ['Time to restore', restoreMs === null ? 'nothing was rolled back' : duration(restoreMs)],
        ]}
      />
    </Card>
  );
}

function WaitsCard({ metrics: { stages } }: { readonly metrics: DeliveryMetrics }): JSX.Element {
  return (
    <Card title="What versions waited for" says="From the end of the stage before; medians.">
      {stages.length === 0 ? (
        <p class="quiet">No version came here in that time.</p>
      ) : (
        <Table
          name="stages"
          caption="Waiting time of each stage"
          rows={stages}
          rowKey={({ stage }) => stage}
          filterable={false}
          columns={[
            { key: 'stage', head: 'Stage', value: ({ stage }) => waits[stage] },
            { key: 'median', head: 'Median', number: true, value: ({ medianMs }) => medianMs, cell: ({ medianMs }) => <span>{duration(medianMs)}</span> }, // prettier-ignore
            { key: 'changes', head: 'Versions', number: true, value: ({ changes }) => changes },
          ]}
        />
      )}
    </Card>
  );
}

function TrendCard({ metrics: { trend } }: { readonly metrics: DeliveryMetrics }): JSX.Element {
  const x = trend.map(({ from }) => Date.parse(from) / 1000);
  const weekOf = (seconds: number): string => `week from ${day(new Date(seconds * 1000).toISOString())}`;
  return (
    <>
      <Card title="Versions a week" says="How many came, and how many of them were rolled back.">
        <LineChart
          label={`Versions a week over ${trend.length} weeks`}
          file="versions-a-week"
          spec={{
            x,
            time: true,
            xName: 'from',
            xText: weekOf,
            series: [
              { name: 'came', colour: 1, values: trend.map(({ changes }) => changes) },
              { name: 'rolled back', colour: 2, values: trend.map(({ failures }) => failures) },
            ],
            unit: 'versions',
            text: (value) => number(value, 0),
            height: 180,
            fromZero: true,
          }}
        />
      </Card>
      <Card title="Lead time by week" says="Median, in hours.">
        <LineChart
          label={`Lead time over ${trend.length} weeks`}
          file="lead-time"
          spec={{
            x,
            time: true,
            xName: 'from',
            xText: weekOf,
            series: [
              {
                name: 'lead time',
                colour: 3,
                values: trend.map(({ leadTimeMs }) => (leadTimeMs === null ? null : leadTimeMs / 3_600_000)),
              },
            ],
            unit: 'hours',
            text: (value) => duration(value * 3_600_000),
            height: 180,
            fromZero: true,
          }}
        />
      </Card>
    </>
  );
}

function ChangesCard({ metrics: { latest } }: { readonly metrics: DeliveryMetrics }): JSX.Element {
  return (
    <Card title="What came" wide says="The newest first.">
      {latest.length === 0 ? (
        <p class="quiet">No version came here in that time.</p>
      ) : (
        <Table
          name="changes"
          caption="Versions that came to the environment"
          rows={latest}
          rowKey={({ deployment, rollout }) => deployment ?? rollout ?? ''}
          filterable={false}
          columns={[
            {
              key: 'version',
              head: 'Model version',
              value: ({ model, version }) => `${model} ${version}`,
              cell: ({ model, version, modelVersion }) => (
                <a href={recordPath('model_version', modelVersion)}>
                  {model} {version}
                </a>
              ),
            },
            {
              key: 'at',
              head: 'Came',
              value: ({ at }) => at,
              cell: ({ at, deployment, rollout }) => (
                <a href={deployment === undefined ? recordPath('rollout', rollout ?? '') : recordPath('deployment', deployment)}>
                  <When at={at} />
                </a>
              ),
            },
            {
              key: 'lead',
              head: 'Lead time',
              number: true,
              value: ({ leadTimeMs }) => leadTimeMs,
              cell: ({ leadTimeMs }) => <span>{leadTimeMs === undefined ? '—' : duration(leadTimeMs)}</span>,
            },
            {
              key: 'failed',
              head: 'Rolled back',
              value: ({ failed }) => (failed ? 'yes' : 'no'),
              cell: ({ failed, restoreMs }) =>
                failed ? <State tone="bad">after {restoreMs === undefined ? 'a while' : duration(restoreMs)}</State> : <span>—</span>,
            },
          ]}
        />
      )}
    </Card>
  );
}
