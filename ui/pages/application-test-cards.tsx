import type { JSX } from 'preact';
import type { ApplicationTestReport, Requirement, Said, WorstCase } from '#contract';
import { Intervals } from '../charts/bars.tsx';
import { counted, duration, number, percent, plain } from '../lib/format.ts';
import { metricLabel } from '../lib/metrics.ts';
import { Card } from '../parts/page.tsx';
import { State, Verdict } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { RecordRef, When } from '../parts/values.tsx';
import { VersionRef } from '../parts/version-ref.tsx';

/** Each requirement with its verdict and what was found, in a sentence: what is read first. */
export function RequirementsCard({ requirements }: { readonly requirements: readonly Requirement[] }): JSX.Element {
  const failed = requirements.filter(({ verdict }) => verdict === 'failed').length;
  const asked = requirements.filter(({ verdict }) => verdict !== 'not_asked').length;
  return (
    <Card
      title="Requirements"
      wide
      says={failed === 0 ? `All ${asked} that were asked are met.` : `${failed} of ${asked} are not met; they stand first.`}
    >
      <Table
        name="requirements"
        caption="Verdict of each requirement"
        rows={requirements}
        rowKey={({ id }) => id}
        filterable={false}
        columns={[
          {
            key: 'verdict',
            head: 'Verdict',
            value: ({ verdict }) => verdict,
            cell: ({ verdict }) =>
              verdict === 'not_asked' ? <State tone="off">not asked</State> : <Verdict passed={verdict === 'passed'} />,
          },
          { key: 'title', head: 'Requirement', value: ({ title }) => title, cell: ({ title }) => <span class="wrap">{title}</span> },
          { key: 'says', head: 'What was found', value: ({ says }) => says, cell: ({ says }) => <span class="wrap">{says}</span> },
        ]}
      />
    </Card>
  );
}

function saidText({ label, score }: Said): string {
  if (label === undefined) return score === null ? 'no number' : number(score, 3);
  return score === null ? label : `${label} (${number(score, 3)})`;
}

function inputsText(inputs: WorstCase['inputs']): string {
  return Object.entries(inputs)
    .map(([name, value]) => `${name} ${value === null ? '—' : plain(value)}`)
    .join(', ');
}

const rowColumn = { key: 'row', head: 'Row', number: true, value: ({ row }: { readonly row: number }) => row } as const;
const inputsColumn = {
  key: 'inputs',
  head: 'Inputs',
  value: ({ inputs }: { readonly inputs: WorstCase['inputs'] }) => inputsText(inputs),
  cell: ({ inputs }: { readonly inputs: WorstCase['inputs'] }) => <span class="wrap quiet">{inputsText(inputs)}</span>,
} as const;

/** What became of answers when rows were changed, with the row that moved most for each. */
export function RobustnessCard({ robustness }: { readonly robustness: NonNullable<ApplicationTestReport['robustness']> }): JSX.Element {
  return (
    <Card title="Robustness" wide says="The same rows with something changed: how many answers became others, and the row that moved most.">
      <Table
        name="robustness"
        caption="Answers to perturbed rows"
        rows={robustness}
        rowKey={({ perturbation }) => perturbation}
        filterable={false}
        columns={[
          { key: 'perturbation', head: 'Perturbation', value: ({ perturbation }) => perturbation },
          { key: 'says', head: 'What was changed', value: ({ says }) => says, cell: ({ says }) => <span class="wrap">{says}</span> },
          {
            key: 'changed',
            head: 'Other answers',
            number: true,
            value: ({ changed }) => changed,
            cell: ({ changed, unanswered, refused }) =>
              [
                ...(changed === undefined ? [] : [percent(changed)]),
                ...(unanswered > 0 ? [`${unanswered} failed`] : []),
                ...(refused > 0 ? [`${refused} refused`] : []),
              ].join(', '),
          },
          {
            key: 'metric',
            head: 'Quality',
            value: ({ metric }) => metric?.after,
            cell: ({ metric }) =>
              metric === undefined ? '—' : `${metricLabel(metric.name)} ${number(metric.before, 3)} → ${number(metric.after, 3)}`,
          },
          {
            key: 'worst',
            head: 'Moved most',
            value: ({ largest }) => largest,
            cell: ({ worst: [first] }) =>
              first === undefined ? (
                'none'
              ) : (
                <span class="wrap">
                  row {first.row}: {saidText(first.before)} → {saidText(first.after)}
                </span>
              ),
          },
        ]}
      />
    </Card>
  );
}

/** As many as are read in a minute. */
const shownErrors = 5;
const shownMetrics = 6;

/** Rows on which it was wrong, the surest first. */
export function ErrorsCard({ errors }: { readonly errors: NonNullable<ApplicationTestReport['errors']> }): JSX.Element {
  const shown = errors.slice(0, shownErrors);
  return (
    <Card
      title="Worst errors"
      wide
      says={`${counted(errors.length, 'row')} on which it was wrong, the surest first. Personal inputs are masked.`}
    >
      <Table
        name="errors"
        caption="Rows with wrong answers"
        rows={shown}
        rowKey={({ row }) => String(row)}
        filterable={false}
        columns={[
          rowColumn,
          { key: 'said', head: 'Said', value: ({ said }) => saidText(said) },
          { key: 'truth', head: 'True', value: ({ truth }) => truth },
          inputsColumn,
        ]}
      />
    </Card>
  );
}

/** How latency grows with the rate, and where it is too much. */
export function SaturationCard({ saturation }: { readonly saturation: NonNullable<ApplicationTestReport['saturation']> }): JSX.Element {
  const { points, sustainedPerSecond, latencyP99Ms } = saturation;
  const ordered = points.toSorted((left, right) => left.offeredPerSecond - right.offeredPerSecond);
  const borne =
    sustainedPerSecond === undefined
      ? 'no rate that was offered was borne'
      : `${number(sustainedPerSecond, 0)} requests per second were borne`;
  return (
    <Card title="Saturation" says={`${borne}; 99 of 100 answers have to come within ${duration(latencyP99Ms)}.`}>
      <Intervals
        label="99 of 100 answers within, by rate"
        zero
        rows={ordered.map(({ offeredPerSecond, p99Ms, broken }) => ({
          name: `${number(offeredPerSecond, 0)} per second`,
          value: p99Ms,
          threshold: latencyP99Ms,
          text: broken === undefined ? duration(p99Ms) : `${duration(p99Ms)}, too much`,
          ...(broken === undefined ? {} : { bad: true }),
        }))}
      />
    </Card>
  );
}

/** How long it takes to start, what it needs, and whether that grows. */
export function FootprintCard({ footprint, soak }: Pick<ApplicationTestReport, 'footprint' | 'soak'>): JSX.Element {
  const facts: readonly (readonly [string, string])[] = [
    ...(footprint === undefined
      ? []
      : ([
          ['Ready after', duration(footprint.startMs)],
          ['Memory once ready', footprint.residentMiB === undefined ? 'cannot be told here' : `${number(footprint.residentMiB, 0)} MiB`],
          ['Package', `${number(footprint.packageMiB, 2)} MiB`],
        ] as const)),
    ...(soak === undefined
      ? []
      : ([
          [
            'Soak',
            `${counted(soak.requests, 'request')} in ${duration(soak.durationMs)}, ${counted(soak.errors, 'error')}, p99 ${duration(soak.p99Ms)}`,
          ],
          ['Memory grew by', soak.grewMiB === undefined ? 'cannot be told here' : `${number(soak.grewMiB, 1)} MiB in its second half`],
        ] as const)),
  ];
  return (
    <Card title="Start, memory and size" says="Of a data plane that was started for this test.">
      <Table
        name="footprint"
        caption="Start, memory and size"
        rows={facts}
        rowKey={([name]) => name}
        filterable={false}
        columns={[
          { key: 'what', head: 'What', value: ([name]) => name },
          { key: 'value', head: 'Measured', value: ([, value]) => value },
        ]}
      />
    </Card>
  );
}

type Comparison = NonNullable<ApplicationTestReport['comparison']>;

/** How two versions differ on the same rows, in a sentence. */
function DifferenceText({ comparison: { modelVersion, rows, changed, metric } }: { readonly comparison: Comparison }): JSX.Element {
  return (
    <>
      <VersionRef id={modelVersion} /> was asked the same {counted(rows, 'row')}: {percent(changed)} are answered otherwise
      {metric === undefined
        ? '.'
        : `; ${metricLabel(metric.name)} ${number(metric.production, 3)} in production, ${number(metric.candidate, 3)} here.`}
    </>
  );
}

/** This version against the one in production on the same requests: differences, worst first. */
export function ComparisonWithProduction({ comparison }: { readonly comparison: Comparison }): JSX.Element {
  return (
    <Card title="Against production" wide says={<DifferenceText comparison={comparison} />}>
      <Differences name="comparison" comparison={comparison} />
    </Card>
  );
}

function Differences({ name, comparison }: { readonly name: string; readonly comparison: Comparison }): JSX.Element {
  return (
    <Table
      name={name}
      caption="Differences from production, the worst five"
      rows={comparison.worst.slice(0, shownErrors)}
      rowKey={({ row }) => String(row)}
      columns={[
        rowColumn,
        { key: 'before', head: 'Production', value: ({ before }) => saidText(before) },
        { key: 'after', head: 'This version', value: ({ after }) => saidText(after) },
        {
          key: 'difference',
          head: 'Apart by',
          number: true,
          value: ({ difference }) => difference,
          cell: ({ difference }) => number(difference, 3),
        },
        inputsColumn,
      ]}
    />
  );
}

/** Requests of production that were asked again. */
export function ProductionRequestsCard({
  production,
}: {
  readonly production: NonNullable<ApplicationTestReport['production']>;
}): JSX.Element {
  const { rows, logged, groups, from, to, exchanged, refused, unanswered, comparison, labelled } = production;
  return (
    <Card
      title="Requests of production"
      wide
      says={
        <>
          {counted(rows, 'request')} of the newest {counted(logged, 'request')}, from <When at={from} /> to <When at={to} />, drawn in turn
          from {counted(groups, 'group')}: {rows - refused - unanswered} are answered
          {refused > 0 && `, ${refused} refused`}
          {unanswered > 0 && `, ${unanswered} not answered`}.{' '}
          {exchanged.length > 0 && <>Values of {exchanged.join(', ')} are those of other rows. </>}
          {comparison !== undefined && <DifferenceText comparison={comparison} />}
          {comparison?.metric !== undefined && ` The truth is known of ${counted(labelled, 'row')}.`}
        </>
      }
    >
      {comparison !== undefined && <Differences name="production" comparison={comparison} />}
    </Card>
  );
}

/** Figures on further datasets, side by side. */
export function ValidationCard({ validation }: { readonly validation: NonNullable<ApplicationTestReport['validation']> }): JSX.Element {
  const names = [...new Set(validation.flatMap(({ metrics }) => Object.keys(metrics)))].slice(0, shownMetrics);
  return (
    <Card title="Further datasets" wide says="The same endpoint, asked rows of other datasets that it has not learned from.">
      <Table
        name="validation"
        caption="Figures on further datasets"
        rows={validation}
        rowKey={({ name }) => name}
        filterable={false}
        columns={[
          {
            key: 'name',
            head: 'Dataset',
            value: ({ name }) => name,
            cell: ({ name, dataset }) => (
              <RecordRef kind="dataset_version" id={dataset}>
                {name}
              </RecordRef>
            ),
          },
          {
            key: 'rows',
            head: 'Rows',
            number: true,
            value: ({ rows }) => rows,
            cell: ({ rows, leftOut = 0 }) => `${number(rows, 0)}${leftOut > 0 ? ` (${number(leftOut, 0)} left out)` : ''}`,
          },
          ...names.map((name) => ({
            key: name,
            head: metricLabel(name),
            number: true,
            value: ({ metrics }: (typeof validation)[number]) => metrics[name],
            cell: ({ metrics }: (typeof validation)[number]) => (metrics[name] === undefined ? '—' : number(metrics[name], 3)),
          })),
          {
            key: 'worst',
            head: 'Surest error',
            value: ({ errors: [first] }) => first?.said.score ?? 0,
            cell: ({ errors: [first] }) =>
              first === undefined ? (
                'none'
              ) : (
                <span class="wrap">
                  {saidText(first.said)}, truth {first.truth}
                </span>
              ),
          },
        ]}
      />
    </Card>
  );
}
