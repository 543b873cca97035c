import type { JSX } from 'preact';
import type { MetricPoint, Run, Transform } from '#contract';
import { LineChart, type LineSeries } from '../charts/line.tsx';
import { duration, number, plain } from '../lib/format.ts';
import { directionMark, metricLabel } from '../lib/metrics.ts';
import { recordPath, versionPath } from '../lib/records.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { thinned } from '../lib/scale.ts';
import { queryValue, setQuery } from '../lib/router.ts';
import { versions } from '../lib/versions.ts';
import { Card, Facts, LineageStrip, Load, Page, RawJson } from '../parts/page.tsx';
import { WordState } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { DigestText, Metric, RecordRef, When, Who } from '../parts/values.tsx';
import { RunFilesCard } from './run-files-card.tsx';
import { CodeCard } from './runs/code-card.tsx';
import { CommentsCard } from './runs/comments-card.tsx';
import { LoggedActions, LoggedCards } from './runs/run-logged.tsx';

/** One run: what went in, what came out, how it went step by step. */
export function RunPage({ id }: { readonly id: string }): JSX.Element {
  const run = useResource<Run>(`runs/${id}`, ['run.']);
  return (
    <Load of={run} what="This run">
      {(data) => <RunRecord run={data} />}
    </Load>
  );
}

function RunRecord({ run }: { readonly run: Run }): JSX.Element {
  const made = versions.value?.filter((version) => version.run === run.id) ?? [];
  const main = Object.entries(run.metrics).sort(([a], [b]) => rank(a) - rank(b));
  return (
    <Page
      kind="Run"
      title={run.name === '' ? run.id.slice(-8) : run.name}
      crumbs={[
        { text: 'Experiments', href: '/experiments' },
        { text: 'experiment', href: recordPath('experiment', run.experiment) },
        ...(run.study === undefined ? [] : [{ text: 'study', href: recordPath('study', run.study) }]),
      ]}
      truth={
        <>
          <p>
            <WordState word={run.status} /> {main[0] !== undefined && <Metric name={main[0][0]} value={main[0][1]} />};{' '}
            {run.trainer ?? 'no trainer of Gyre'}, <When at={run.startedAt} />{' '}
            {run.endedAt !== undefined && `in ${duration(Date.parse(run.endedAt) - Date.parse(run.startedAt))}`} by{' '}
            <Who actor={run.createdBy} />
          </p>
          {run.error !== undefined && <p class="tone-bad">{run.error}</p>}
        </>
      }
      actions={<LoggedActions run={run} />}
    >
      <LineageStrip
        steps={[
          ...run.inputs.map(({ role, digest, name }) => ({
            what: role,
            text: (
              <RecordRef kind={role === 'transform' ? 'transform' : 'dataset_version'} id={digest}>
                {name}
              </RecordRef>
            ),
          })),
          { what: 'run', text: run.name === '' ? run.id.slice(-8) : run.name, here: true },
          ...made.map((version) => ({
            what: 'model version',
            text: (
              <a href={versionPath(version)}>
                {version.model} version {version.version}
              </a>
            ),
          })),
        ]}
      />
      <div class="cards">
        <MetricsOverSteps run={run} />
        {run.trainer !== undefined && (
          <Card title="Metrics" says="The last value of each, by part.">
            <LastMetrics run={run} />
          </Card>
        )}
        <Card title="Parameters">
          <Table
            name="parameters"
            caption="Parameters"
            rows={Object.entries(run.parameters)}
            rowKey={([name]) => name}
            columns={[
              { key: 'name', head: 'Parameter', value: ([name]) => name },
              { key: 'value', head: 'Value', number: true, value: ([, value]) => value, cell: ([, value]) => plain(value) },
            ]}
          />
        </Card>
        <LoggedCards run={run} />
        <RunFilesCard run={run} />
        <CodeCard run={run} />
        <CommentsCard run={run} />
        <Card title="Record" wide>
          <RawJson value={run} />
        </Card>
      </div>
    </Page>
  );
}

const parts = ['train', 'validation', 'test', ''];
const partOrder = (part: string): number => (parts.includes(part) ? parts.indexOf(part) : parts.length);

/** One row for each quantity, one column for each part that it was measured on. */
function LastMetrics({ run }: { readonly run: Run }): JSX.Element {
  const quantities = [...new Set(Object.keys(run.metrics).map(quantity))].sort((a, b) => rank(a) - rank(b));
  const partOf = (name: string): string =>
    /^(train|training|validation|val|test|valid)[._/ -]/.exec(name)?.[1]?.replace(/^val(id)?$/, 'validation') ?? '';
  const found = [...new Set(Object.keys(run.metrics).map(partOf))].sort((a, b) => partOrder(a) - partOrder(b));
  const value = (wanted: string, part: string): number | undefined =>
    Object.entries(run.metrics).find(([name]) => quantity(name) === wanted && partOf(name) === part)?.[1];
  return (
    <Table
      name="metrics"
      caption="Last value of each metric"
      rows={quantities}
      rowKey={(name) => name}
      columns={[
        { key: 'metric', head: 'Metric', value: metricLabel, cell: (name) => `${metricLabel(name)} ${directionMark(name)}` },
        ...found.map((part) => ({
          key: part === '' ? 'whole' : part,
          head: part === '' ? 'of the run' : part,
          number: true,
          value: (name: string) => value(name, part),
          cell: (name: string) => plain(value(name, part)),
        })),
      ]}
    />
  );
}

function rank(name: string): number {
  return (/val/.test(name) ? 0 : /train/.test(name) ? 4 : 2) + (/roc_auc|rmse/.test(name) ? 0 : 1);
}

/** The last part of a metric's name: series of the same quantity share a chart. */
function quantity(name: string): string {
  return name.replace(/^(train|training|validation|val|test|valid)[._/ -]/, '');
}

function MetricsOverSteps({ run }: { readonly run: Run }): JSX.Element {
  const quantities = [...new Set(Object.keys(run.metrics).map(quantity))];
  const asked = queryValue('metric');
  const chosen =
    asked !== undefined && quantities.includes(asked)
      ? asked
      : (quantities.find((name) => name === 'loss') ?? quantities.find((name) => /log_loss|rmse/.test(name)) ?? quantities[0]);
  const names = Object.keys(run.metrics)
    .filter((name) => quantity(name) === chosen)
    .slice(0, 4);
  return (
    <Card
      title="Metrics by step"
      wide
      aside={
        <label>
          <span class="visually-hidden">Metric</span>
          <select value={chosen} onChange={(event) => setQuery({ metric: event.currentTarget.value })}>
            {quantities.map((name) => (
              <option key={name} value={name}>
                {metricLabel(name)}
              </option>
            ))}
          </select>
        </label>
      }
    >
      {chosen === undefined ? <p class="quiet">No metric was logged.</p> : <StepLines key={chosen} run={run} names={names} />}
    </Card>
  );
}

function StepLines({ run, names }: { readonly run: Run; readonly names: readonly string[] }): JSX.Element {
  const route = (name: string | undefined): string | undefined =>
    name === undefined ? undefined : `runs/${encodeURIComponent(run.id)}/metrics/${encodeURIComponent(name)}?limit=25000`;
  const live = run.status === 'RUNNING' ? ['run.'] : [];
  const histories = [
    useResource<PageOf<MetricPoint>>(route(names[0]), live),
    useResource<PageOf<MetricPoint>>(route(names[1]), live),
    useResource<PageOf<MetricPoint>>(route(names[2]), live),
    useResource<PageOf<MetricPoint>>(route(names[3]), live),
  ].slice(0, names.length);
  const [first] = histories;
  if (first === undefined) return <p class="quiet">No metric was logged.</p>;
  const waiting = histories.find(({ data }) => data === undefined);
  return (
    <Load of={waiting ?? first} what="The metric">
      {() => {
        const points = histories.map(({ data }) => data?.items ?? []);
        const steps = [...new Set(points.flatMap((items) => items.map(({ step }) => step)))].sort((a, b) => a - b);
        if (steps.length < 2)
          return (
            <p class="quiet">
              This metric has one value: {typeof points[0]?.[0]?.value === 'number' ? number(points[0][0].value) : 'none'}.
            </p>
          );
        const all = points.map((items) => {
          const byStep = new Map(items.map(({ step, value }) => [step, value]));
          return steps.map((step) => byStep.get(step) ?? null);
        });
        const kept = thinned(all[0] ?? [], 2000);
        const series = names.map((name, index): LineSeries => ({
          name: metricLabel(name),
          colour: index === 0 ? 1 : index === 1 ? 2 : index === 2 ? 3 : 4,
          values: kept.map((at) => all[index]?.[at] ?? null),
        }));
        return (
          <LineChart
            label={`${series.map(({ name }) => name).join(' and ')} over ${steps.length} steps`}
            file={`run-${run.id}`}
            spec={{
              x: kept.map((at) => steps[at] ?? 0),
              time: false,
              xName: 'step',
              xText: (step) => `step ${step}`,
              series,
              unit: '',
              text: (value) => number(value),
              height: 260,
            }}
          />
        );
      }}
    </Load>
  );
}

/** A fitted transform: what it takes, what it makes of it. */
export function TransformPage({ id }: { readonly id: string }): JSX.Element {
  const transform = useResource<Transform>(`transforms/${id}`);
  return (
    <Load of={transform} what="This transform">
      {(data) => (
        <Page
          kind="Transform"
          title={data.name}
          crumbs={[
            { text: 'Data', href: '/data' },
            { text: 'fitted on', href: recordPath('dataset_version', data.fittedOn) },
          ]}
          truth={
            <p>
              {data.inputs.length} columns become {data.features.length} features for {data.task} of <b>{data.target}</b>; fitted{' '}
              <When at={data.createdAt} />, part of the model’s own graph
            </p>
          }
        >
          <div class="cards">
            <Card title="Features" wide>
              <Table
                name="features"
                caption="Features"
                rows={data.features}
                rowKey={({ name }) => name}
                columns={[
                  { key: 'name', head: 'Feature', value: ({ name }) => name },
                  { key: 'from', head: 'From', value: ({ from }) => from.join(', ') },
                  { key: 'how', head: 'How', value: ({ how }) => how },
                ]}
              />
            </Card>
            <Card title="Record" wide>
              <Facts
                facts={[
                  ['Digest', <DigestText digest={data.digest} />],
                  ['Graph (ONNX)', <DigestText digest={data.graph} />],
                  ...(data.train ?? []).map(({ version, weight }): readonly [string, JSX.Element] => [
                    `Fitted on, weight ${weight}`,
                    <RecordRef kind="dataset_version" id={version} />,
                  ]),
                ]}
              />
              {data.warnings?.map((warning) => (
                <p key={warning} class="tone-warn">
                  {warning}
                </p>
              ))}
              <RawJson value={data} />
            </Card>
          </div>
        </Page>
      )}
    </Load>
  );
}
