import type { JSX } from 'preact';
import type { ReleaseDiff, ReleaseDiffLine, ReleaseDiffMetric, ReleaseSide } from '#contract';
import { counted, measured, percent, signed } from '../lib/format.ts';
import { directionMark, metricLabel } from '../lib/metrics.ts';
import { recordPath, versionPath } from '../lib/records.ts';
import { useResource } from '../lib/resource.ts';
import { queryValue, setQuery } from '../lib/router.ts';
import { Card, Empty, Facts, Load, Page, RawJson } from '../parts/page.tsx';
import { State, WordState } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { Command, When, Who } from '../parts/values.tsx';
import { SideOptions } from './compare-release.tsx';

type Part = ReleaseDiff['parts'][number];

const titles: Readonly<Record<Part['part'], string>> = {
  model: 'Model',
  data: 'Data',
  code: 'Code',
  parameters: 'Parameters',
  signature: 'Signature',
  gates: 'Gates of the test report',
  application_tests: 'Application tests',
  sign_off: 'Sign-off',
  settings: 'Settings of the data plane',
  engine: 'Engine',
  package: 'Package',
};

/** How two releases differ: what changed first, what is the same folded away. */
export function ReleaseDiffPage(): JSX.Element {
  const [from, to] = [queryValue('from'), queryValue('to')];
  const isChosen = from !== undefined && to !== undefined;
  const route = `release-diff?from=${encodeURIComponent(from ?? '')}&to=${encodeURIComponent(to ?? '')}`;
  const diff = useResource<ReleaseDiff>(isChosen ? route : undefined);
  const choosing = (
    <div class="chips side-choice">
      <Choice name="from" label="From" chosen={from} />
      <Choice name="to" label="to" chosen={to} />
    </div>
  );
  const crumbs = [{ text: 'Releases', href: '/releases' }];
  if (!isChosen)
    return (
      <Page kind="Difference" title="Two releases" crumbs={crumbs} actions={choosing}>
        <Empty title="Choose two releases, or versions.">
          <Command>gyre release diff production churn@candidate</Command> says the same.
        </Empty>
      </Page>
    );
  return (
    <Load of={diff} what="The difference">
      {(data) => (
        <Page
          kind="Difference"
          title={`${data.from.title} to ${data.to.title}`}
          crumbs={crumbs}
          truth={<Truth parts={data.parts} />}
          actions={choosing}
        >
          <div class="cards">
            <Card title="The two" wide>
              <Facts
                facts={[
                  ['From', <SideText side={data.from} />],
                  ['To', <SideText side={data.to} />],
                ]}
              />
            </Card>
            <MetricsCard diff={data} pairedRoute={`${route}&paired=true`} />
            {data.parts
              .filter(({ changed, notes }) => changed > 0 || notes.length > 0)
              .map((part) => (
                <PartCard key={part.part} part={part} commits={data.commits} />
              ))}
            <SameCard parts={data.parts.filter(({ changed, notes }) => changed === 0 && notes.length === 0)} />
            <Card title="Record" wide>
              <RawJson value={data} />
            </Card>
          </div>
        </Page>
      )}
    </Load>
  );
}

/** The releases and versions that there are. */
function Choice({
  name,
  label,
  chosen,
}: {
  readonly name: 'from' | 'to';
  readonly label: string;
  readonly chosen: string | undefined;
}): JSX.Element {
  return (
    <label class="side-choice">
      {label}{' '}
      <select value={chosen ?? ''} onChange={(event) => setQuery({ [name]: event.currentTarget.value })}>
        <SideOptions chosen={chosen} />
      </select>
    </label>
  );
}

function Truth({ parts }: { readonly parts: readonly Part[] }): JSX.Element {
  const changed = parts.filter((one) => one.changed > 0);
  if (changed.length === 0)
    return (
      <p>
        <State tone="good">no difference</State>
      </p>
    );
  return (
    <p>
      <b>
        {changed.length} of {parts.length} parts differ
      </b>
      : {changed.map(({ part, changed: count }) => `${titles[part].toLowerCase()} (${count})`).join(', ')}
    </p>
  );
}

function SideText({ side }: { readonly side: ReleaseSide }): JSX.Element {
  const { deployment } = side;
  const version = (
    <a href={versionPath(side)}>
      {side.model} version {side.version}
    </a>
  );
  if (deployment === undefined)
    return (
      <>
        {version}, registered by <Who actor={side.createdBy} /> <When at={side.createdAt} />
      </>
    );
  return (
    <>
      {version} in{' '}
      <a href={recordPath('deployment', deployment.id)}>
        {deployment.environment}, generation {deployment.generation}
      </a>{' '}
      <WordState word={deployment.state} /> by <Who actor={deployment.deployedBy} /> <When at={deployment.deployedAt} />:{' '}
      {deployment.reason}
    </>
  );
}

function MetricsCard({ diff, pairedRoute }: { readonly diff: ReleaseDiff; readonly pairedRoute: string }): JSX.Element | null {
  const { metrics } = diff;
  const isOne = diff.from.modelVersion === diff.to.modelVersion;
  const paired = useResource<ReleaseDiff>(isOne ? undefined : pairedRoute);
  if (metrics.items.length === 0) return null;
  const { comparison, why } = paired.data?.paired ?? {};
  return (
    <Card title="Metrics" wide>
      {comparison !== undefined && (
        <p>
          <WordState word={comparison.verdict} /> On the same {counted(comparison.rows, 'row')} that neither learned from:{' '}
          {metricLabel(comparison.metric)} {measured(comparison.championValue)} to {measured(comparison.challengerValue)},{' '}
          <b>{signed(comparison.difference, 3)}</b> ({percent(comparison.interval.level, 0)} {signed(comparison.interval.low, 3)} to{' '}
          {signed(comparison.interval.high, 3)}).
        </p>
      )}
      {why !== undefined && <p class="quiet">Not compared row by row: {why}</p>}
      {!metrics.sameRows && (
        <p>
          <State tone="warn">different rows</State> The test reports are of different dataset versions: a difference may be that of the
          rows.
        </p>
      )}
      <Table
        name="release-metrics"
        caption="Metrics of the two test reports"
        rows={metrics.items}
        rowKey={({ name }) => name}
        filterable={false}
        columns={[
          { key: 'metric', head: 'Metric', value: ({ name }) => name, cell: ({ name }) => `${metricLabel(name)} ${directionMark(name)}` },
          {
            key: 'from',
            head: 'From',
            number: true,
            value: (one) => one.from ?? undefined,
            cell: (one) => measured(one.from, one.fromInterval),
          },
          { key: 'to', head: 'To', number: true, value: (one) => one.to ?? undefined, cell: (one) => measured(one.to, one.toInterval) },
          {
            key: 'difference',
            head: 'Difference',
            number: true,
            value: (one) => one.difference,
            cell: (one) => <Difference metric={one} />,
          },
        ]}
      />
    </Card>
  );
}

function Difference({ metric: { difference } }: { readonly metric: ReleaseDiffMetric }): JSX.Element {
  return <>{difference === undefined ? '—' : signed(difference, 3)}</>;
}

function PartCard({ part, commits }: { readonly part: Part; readonly commits: ReleaseDiff['commits'] }): JSX.Element {
  const changed = part.lines.filter(({ same }) => !same);
  const same = part.lines.filter((line) => line.same);
  return (
    <Card title={titles[part.part]} wide aside={changed.length > 0 ? <span class="quiet">{changed.length} changed</span> : undefined}>
      {part.notes.map((note) => (
        <p key={note} class="quiet">
          {note}.
        </p>
      ))}
      {changed.length > 0 && <Lines part={part.part} lines={changed} />}
      {part.part === 'code' && commits !== undefined && <Commits commits={commits} />}
      {same.length > 0 && (
        <details>
          <summary>{counted(same.length, 'line')} the same</summary>
          <SameLines lines={same} />
        </details>
      )}
    </Card>
  );
}

function Lines({ part, lines }: { readonly part: Part['part']; readonly lines: readonly ReleaseDiffLine[] }): JSX.Element {
  return (
    <Table
      name={`diff-${part}`}
      caption={`What differs: ${titles[part].toLowerCase()}`}
      rows={lines}
      rowKey={({ what }) => what}
      filterable={lines.length > 20}
      columns={[
        { key: 'what', head: 'What', value: ({ what }) => what, cell: (line) => <What line={line} /> },
        {
          key: 'from',
          head: 'From',
          value: ({ from }) => from,
          cell: (line) => <Value line={line} text={line.from} id={line.fromId} absent={`not there`} />,
        },
        {
          key: 'to',
          head: 'To',
          value: ({ to }) => to,
          cell: (line) => <Value line={line} text={line.to} id={line.toId} absent={'taken away'} />,
        },
      ]}
    />
  );
}

function What({ line: { what, kind, fromId, toId } }: { readonly line: ReleaseDiffLine }): JSX.Element {
  if (kind !== 'dataset_version' || fromId === undefined || toId === undefined) return <b>{what}</b>;
  return (
    <>
      <b>{what}</b> <a href={`/data/${fromId}/diff/${toId}`}>row by row</a>
    </>
  );
}

function Value(props: {
  readonly line: ReleaseDiffLine;
  readonly text: string | undefined;
  readonly id: string | undefined;
  readonly absent: string;
}): JSX.Element {
  const { line, text, id, absent } = props;
  if (text === undefined) return <span class="quiet">{absent}</span>;
  if (id === undefined || line.kind === undefined) return <span class="wrap">{text}</span>;
  return (
    <a class="wrap" href={recordPath(line.kind, id)}>
      {text}
    </a>
  );
}

function Commits({ commits }: { readonly commits: NonNullable<ReleaseDiff['commits']> }): JSX.Element {
  return (
    <>
      <p>
        <Command>{`git log ${commits.range}`}</Command>
      </p>
      <ul class="sign-offs">
        {commits.items.map(({ commit, subject, at }) => (
          <li key={commit}>
            <code title={commit}>{commit.slice(0, 12)}</code> {subject} <When at={at} />
          </li>
        ))}
        {commits.more && <li class="quiet">and earlier ones</li>}
      </ul>
    </>
  );
}

function SameLines({ lines }: { readonly lines: readonly ReleaseDiffLine[] }): JSX.Element {
  return <Facts facts={lines.map(({ what, from = '' }) => [what, <span class="wrap">{from}</span>] as const)} />;
}

function SameCard({ parts }: { readonly parts: readonly Part[] }): JSX.Element | null {
  if (parts.length === 0) return null;
  return (
    <Card title="The same" wide>
      {parts.map(({ part, lines }) => (
        <details key={part}>
          <summary>
            {titles[part]} ({counted(lines.length, 'line')})
          </summary>
          <SameLines lines={lines} />
        </details>
      ))}
    </Card>
  );
}
