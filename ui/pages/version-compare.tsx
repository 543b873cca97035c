import type { JSX } from 'preact';
import { compareMetrics, compareVersions } from '#contract';
import type { ModelVersion, TestReport } from '#contract';
import { counted, measured, signed } from '../lib/format.ts';
import { directionMark, metricLabel } from '../lib/metrics.ts';
import { recordPath, versionPath } from '../lib/records.ts';
import { useResource } from '../lib/resource.ts';
import { queryValue, setQuery } from '../lib/router.ts';
import { Card, Load } from '../parts/page.tsx';
import { State } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';

/** Two versions of a model side by side: what they are, what they take, and what their test reports say. The address names both. */
export function CompareVersions({ versions }: { readonly versions: readonly ModelVersion[] }): JSX.Element | null {
  const chosen = (name: string, usual: ModelVersion | undefined): ModelVersion | undefined =>
    versions.find(({ version }) => String(version) === queryValue(name)) ?? usual;
  const [newest, before] = versions;
  const [left, right] = [chosen('left', before), chosen('right', newest)];
  if (left === undefined || right === undefined) return null;
  return (
    <Card title="Two versions side by side" wide>
      <div class="chips">
        <Choice name="left" label="Compare" versions={versions} chosen={left} />
        <Choice name="right" label="with" versions={versions} chosen={right} />
      </div>
      <Facts left={left} right={right} />
      <Reports left={left} right={right} />
    </Card>
  );
}

function Choice(props: {
  readonly name: 'left' | 'right';
  readonly label: string;
  readonly versions: readonly ModelVersion[];
  readonly chosen: ModelVersion;
}): JSX.Element {
  return (
    <label>
      {props.label}{' '}
      <select value={props.chosen.version} onChange={(event) => setQuery({ [props.name]: event.currentTarget.value })}>
        {props.versions.map(({ version, aliases }) => (
          <option key={version} value={version}>
            version {version}
            {aliases.length > 0 && ` (${aliases.join(', ')})`}
          </option>
        ))}
      </select>
    </label>
  );
}

interface Pair {
  readonly left: ModelVersion;
  readonly right: ModelVersion;
}

function Facts({ left, right }: Pair): JSX.Element {
  return (
    <Table
      name="version-facts"
      caption="What the two versions are"
      rows={compareVersions(left, right)}
      rowKey={({ what }) => what}
      filterable={false}
      columns={[
        { key: 'what', head: 'What', value: ({ what }) => what },
        {
          key: 'left',
          head: `Version ${left.version}`,
          value: (fact) => fact.left,
          cell: (fact) => <span class="wrap">{fact.left === '' ? '—' : fact.left}</span>,
        },
        {
          key: 'right',
          head: `Version ${right.version}`,
          value: (fact) => fact.right,
          cell: (fact) => <span class="wrap">{fact.right === '' ? '—' : fact.right}</span>,
        },
        {
          key: 'same',
          head: 'Same',
          value: (fact) => String(fact.left === fact.right),
          cell: (fact) => (fact.left === fact.right ? <span class="quiet">same</span> : <State tone="waiting">differs</State>),
        },
      ]}
    />
  );
}

function Reports({ left, right }: Pair): JSX.Element {
  const one = useResource<TestReport>(left.testReport === undefined ? undefined : `test-reports/${left.testReport}`);
  const other = useResource<TestReport>(right.testReport === undefined ? undefined : `test-reports/${right.testReport}`);
  if (left.testReport === undefined || right.testReport === undefined) {
    const [lacking] = left.testReport === undefined ? [left] : [right];
    return (
      <p class="quiet">
        <a href={versionPath(lacking)}>Version {lacking.version}</a> has no test report: its figures cannot be compared.
      </p>
    );
  }
  return (
    <Load of={one} what="The test report">
      {(first) => (
        <Load of={other} what="The test report">
          {(second) => <Metrics left={left} right={right} first={first} second={second} />}
        </Load>
      )}
    </Load>
  );
}

function Metrics({ left, right, first, second }: Pair & { readonly first: TestReport; readonly second: TestReport }): JSX.Element {
  return (
    <>
      {first.dataset === second.dataset ? (
        <p class="quiet">
          Both are judged on the same {counted(first.rows, 'row')} of one{' '}
          <a href={recordPath('dataset_version', first.dataset)}>dataset version</a>.
        </p>
      ) : (
        <p>
          <State tone="warn">different rows</State> They are judged on <a href={recordPath('dataset_version', first.dataset)}>one</a>{' '}
          dataset version and <a href={recordPath('dataset_version', second.dataset)}>another</a>: a difference may be that of the rows.
        </p>
      )}
      <Table
        name="version-metrics"
        caption="Metrics of the two test reports"
        rows={compareMetrics(first, second)}
        rowKey={({ name }) => name}
        filterable={false}
        columns={[
          { key: 'metric', head: 'Metric', value: ({ name }) => name, cell: ({ name }) => `${metricLabel(name)} ${directionMark(name)}` },
          {
            key: 'left',
            head: `Version ${left.version}`,
            number: true,
            value: (metric) => metric.left ?? undefined,
            cell: (metric) => measured(metric.left, intervalIn(first, metric.name)),
          },
          {
            key: 'right',
            head: `Version ${right.version}`,
            number: true,
            value: (metric) => metric.right ?? undefined,
            cell: (metric) => measured(metric.right, intervalIn(second, metric.name)),
          },
          {
            key: 'difference',
            head: 'Difference',
            number: true,
            value: ({ difference }) => difference,
            cell: ({ difference }) => (difference === undefined ? '—' : signed(difference, 3)),
          },
        ]}
      />
    </>
  );
}

function intervalIn({ metrics }: TestReport, name: string): TestReport['metrics'][number]['interval'] {
  return metrics.find((metric) => metric.name === name)?.interval;
}
