import type { JSX } from 'preact';
import type { Check, Comparison, TestReport, ValidationResult } from '#contract';
import { Bars, Intervals } from '../charts/bars.tsx';
import { Calibration, Confusion, PrecisionRecallCurve, RocCurve } from '../charts/curves.tsx';
import { counted, measured, number, plain, signed } from '../lib/format.ts';
import { directionMark, metricLabel, thresholdOf, thresholdWords } from '../lib/metrics.ts';
import { recordPath } from '../lib/records.ts';
import { versionOf } from '../lib/versions.ts';
import { Card } from '../parts/page.tsx';
import { State, Verdict } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { strategyText } from './split.tsx';

/** Checks with what was found and what was wanted; those that failed stand first. */
export function Checks({
  checks,
  name,
  caption,
}: {
  readonly checks: readonly Check[];
  readonly name: string;
  readonly caption: string;
}): JSX.Element {
  const ordered = [...checks].sort((a, b) => Number(a.passed) - Number(b.passed));
  return (
    <Table
      name={name}
      caption={caption}
      rows={ordered}
      rowKey={(check) => check.name}
      filterable={false}
      columns={[
        { key: 'verdict', head: 'Verdict', value: ({ passed }) => String(passed), cell: ({ passed }) => <Verdict passed={passed} /> },
        { key: 'check', head: 'Check', value: (check) => check.name, cell: (check) => metricLabel(check.name) },
        { key: 'observed', head: 'Observed', number: true, value: ({ observed }) => observed, cell: ({ observed }) => plain(observed) },
        { key: 'wanted', head: 'Wanted', value: ({ wanted }) => wanted, cell: ({ wanted }) => thresholdWords(wanted) },
        { key: 'message', head: 'In words', value: ({ message }) => message, cell: ({ message }) => <span class="wrap">{message}</span> },
      ]}
    />
  );
}

/** Everything that a test report says, in cards. */
export function ReportCards({ report }: { readonly report: TestReport }): JSX.Element {
  const thresholds = new Map(report.gates.map((gate) => [gate.name.split(' ')[0] ?? gate.name, gate]));
  const { confusion, curves, calibration } = report;
  const metricOf = (name: string): string => {
    const found = report.metrics.find((metric) => metric.name === name);
    return measured(found?.value, found?.interval);
  };
  const positives =
    confusion === undefined ? 0 : (confusion.counts[1] ?? []).reduce((sum, count) => sum + count, 0) / Math.max(1, report.rows);
  return (
    <>
      <Card title="Gates" wide aside={<Verdict passed={report.passed} yes="every gate passed" no="a gate failed" />}>
        <Checks checks={report.gates} name="gates" caption="Gates of the charter and the project" />
        {report.warnings.length > 0 && (
          <ul class="warnings">
            {report.warnings.map((warning) => (
              <li key={warning}>
                <State tone="warn">look</State> {warning}
              </li>
            ))}
          </ul>
        )}
      </Card>
      <Card
        title="Metrics on the test rows"
        wide
        says={`${counted(report.rows, 'row')}${report.run === undefined ? '' : ' that no training saw'}; intervals at 95 %.`}
      >
        <div class="split">
          {([true, false] as const).map((higher) => {
            const rows = report.metrics.flatMap((metric) => {
              if (metric.value === null || metric.higherIsBetter !== higher) return [];
              const gate = thresholds.get(metric.name);
              const threshold = thresholdOf(gate?.wanted)?.value;
              return [
                {
                  name: `${metricLabel(metric.name)} ${directionMark(metric.name, metric.higherIsBetter)}`,
                  value: metric.value,
                  ...(metric.interval === undefined ? {} : { interval: metric.interval }),
                  ...(threshold === undefined ? {} : { threshold }),
                  text: measured(metric.value, metric.interval),
                  bad: gate?.passed === false,
                },
              ];
            });
            return rows.length === 0 ? null : (
              <div key={String(higher)}>
                <h3>{higher ? 'Higher is better' : 'Lower is better'}</h3>
                <Intervals label={higher ? 'Metrics where higher is better' : 'Metrics where lower is better'} rows={rows} />
              </div>
            );
          })}
        </div>
      </Card>
      {report.comparison !== undefined && <ComparisonCard comparison={report.comparison} />}
      {curves !== undefined && (
        <Card title="ROC curve" says={<>Area {metricOf('roc_auc')}</>}>
          <RocCurve points={curves.roc} auc={metricOf('roc_auc')} />
        </Card>
      )}
      {curves !== undefined && (
        <Card title="Precision and recall" says={<>Area {metricOf('pr_auc')}</>}>
          <PrecisionRecallCurve points={curves.precisionRecall} share={positives} auc={metricOf('pr_auc')} />
        </Card>
      )}
      {calibration !== undefined && (
        <Card
          title="Calibration"
          says={`Probabilities are off by ${number(calibration.error, 3)} on average; the size of a dot is its share of the rows.`}
        >
          <Calibration calibration={calibration} />
        </Card>
      )}
      {confusion !== undefined && (
        <Card
          title="Confusion matrix"
          says={
            report.threshold === undefined
              ? undefined
              : `At the decision threshold ${number(report.threshold.value, 3)}, chosen by ${report.threshold.chosenBy.replaceAll('_', ' ')}.`
          }
        >
          <Confusion confusion={confusion} />
        </Card>
      )}
      <Card
        title={report.run === undefined ? 'Validation and test' : 'Train, validation, test'}
        wide
        says={
          report.run === undefined
            ? 'What the model has learned from is not known here.'
            : 'Side by side: a gap between train and test is overfitting.'
        }
      >
        <PartsTable report={report} />
      </Card>
      {report.validationSets !== undefined && report.validationSets.length > 0 && (
        <Card title="Validation sets" wide says="Rows held out of every part, each chosen by a strategy of its own.">
          <SetsTable sets={report.validationSets} />
        </Card>
      )}
      {report.importance.length > 0 && (
        <Card title="Importance" wide says={`How much ${metricLabel(report.primary ?? 'the metric')} drops when a column is shuffled.`}>
          <Bars
            label="Permutation importance"
            unit={`drop of ${metricLabel(report.primary ?? 'the metric')}`}
            file="importance"
            bars={report.importance.slice(0, 15).map(({ feature, drop, std }) => ({ name: feature, value: drop, spread: std }))}
          />
        </Card>
      )}
      <Slices slices={report.slices} />
      {report.fairness !== undefined && report.fairness.length > 0 && <FairnessCard fairness={report.fairness} />}
    </>
  );
}

function SetsTable({ sets }: { readonly sets: NonNullable<TestReport['validationSets']> }): JSX.Element {
  const names = [...new Set(sets.flatMap(({ metrics }) => metrics.map(({ name }) => name)))];
  return (
    <Table
      name="report-sets"
      caption="Metrics by validation set"
      rows={sets}
      rowKey={({ set }) => set}
      href={({ dataset }) => recordPath('dataset_version', dataset)}
      columns={[
        {
          key: 'set',
          head: 'Set',
          value: ({ set }) => set,
          cell: ({ set, dataset }) => <a href={recordPath('dataset_version', dataset)}>{set}</a>,
        },
        { key: 'strategy', head: 'Chosen by', value: ({ strategy }) => strategyText(strategy) },
        {
          key: 'rows',
          head: 'Rows',
          number: true,
          value: ({ rows }) => rows,
          cell: ({ rows, leftOut = 0 }) => `${number(rows, 0)}${leftOut === 0 ? '' : `, ${number(leftOut, 0)} left out`}`,
        },
        ...names.map((name) => ({
          key: name,
          head: `${metricLabel(name)} ${directionMark(name)}`,
          number: true,
          value: ({ metrics }: ValidationResult) => metrics.find((metric) => metric.name === name)?.value,
          cell: ({ metrics }: ValidationResult) => {
            const found = metrics.find((metric) => metric.name === name);
            return found === undefined ? '—' : measured(found.value, found.interval);
          },
        })),
      ]}
    />
  );
}

function PartsTable({ report }: { readonly report: TestReport }): JSX.Element {
  const names = report.metrics.map(({ name }) => name).filter((name) => report.parts.some(({ metrics }) => metrics[name] !== undefined));
  return (
    <Table
      name="report-parts"
      caption="Metrics by part"
      rows={names}
      rowKey={(name) => name}
      filterable={false}
      columns={[
        { key: 'metric', head: 'Metric', value: (name) => name, cell: (name) => `${metricLabel(name)} ${directionMark(name)}` },
        ...report.parts.map((part) => ({
          key: part.part,
          head: `${part.part} (${number(part.rows, 0)})`,
          number: true,
          value: (name: string) => part.metrics[name],
          cell: (name: string) => (part.metrics[name] === undefined ? '—' : measured(part.metrics[name])),
        })),
      ]}
    />
  );
}

const verdicts: Readonly<Record<Comparison['verdict'], string>> = {
  better: 'the challenger is better',
  worse: 'the challenger is worse',
  no_evidence: 'no evidence of a difference',
};

/** A comparison names runs, and versions of models that were trained elsewhere. */
function contenderPath(id: string): string {
  return recordPath(versionOf(id) === undefined ? 'run' : 'model_version', id);
}

/** Champion against challenger on the same rows, with the interval of their difference. */
export function ComparisonCard({ comparison }: { readonly comparison: Comparison }): JSX.Element {
  const { verdict, metric } = comparison;
  const metricName = metricLabel(metric);
  return (
    <Card
      title="Champion against challenger"
      wide
      aside={<State tone={verdict === 'better' ? 'good' : verdict === 'worse' ? 'bad' : 'off'}>{verdicts[verdict]}</State>}
      says={
        <>
          On the same {counted(comparison.rows, 'row')}, that neither is known to have trained on (
          <a href={recordPath('dataset_version', comparison.dataset)}>dataset version</a>): {metricName}{' '}
          {number(comparison.championValue, 3)} for the <a href={contenderPath(comparison.champion)}>champion</a>,{' '}
          {number(comparison.challengerValue, 3)} for the <a href={contenderPath(comparison.challenger)}>challenger</a>.
        </>
      }
    >
      <Intervals
        label="Difference of challenger and champion"
        zero
        rows={[
          {
            name: `difference of ${metricName}`,
            value: comparison.difference,
            interval: comparison.interval,
            text: `${signed(comparison.difference, 3)} (${signed(comparison.interval.low, 3)} to ${signed(comparison.interval.high, 3)})`,
            bad: verdict === 'worse',
          },
        ]}
      />
      <p class="quiet">
        Interval at {number(comparison.interval.level * 100, 0)} % by paired bootstrap with {counted(comparison.resamples, 'resample')}; the
        line is no difference.
      </p>
    </Card>
  );
}

/** The same metrics for each group of rows. */
export function Slices({ slices }: Pick<TestReport, 'slices'>): JSX.Element | null {
  const [first] = slices;
  if (first === undefined) return null;
  const names = Object.keys(first.metrics).slice(0, 6);
  return (
    <Card title="Slices" wide says="The same metrics for each group of rows; small groups say little.">
      <Table
        name="slices"
        caption="Metrics by slice"
        rows={slices}
        rowKey={({ column, value }) => `${column}=${value}`}
        columns={[
          { key: 'column', head: 'Column', value: ({ column }) => column },
          { key: 'value', head: 'Value', value: ({ value }) => value },
          { key: 'rows', head: 'Rows', number: true, value: ({ rows }) => rows, cell: ({ rows }) => number(rows, 0) },
          ...names.map((name) => ({
            key: name,
            head: `${metricLabel(name)} ${directionMark(name)}`,
            number: true,
            value: ({ metrics }: (typeof slices)[number]) => metrics[name],
            cell: ({ metrics }: (typeof slices)[number]) =>
              metrics[name] === null || metrics[name] === undefined ? '—' : number(metrics[name], 3),
          })),
        ]}
      />
    </Card>
  );
}

/** How far the rates of decisions lie apart between groups. */
export function FairnessCard({ fairness }: Required<Pick<TestReport, 'fairness'>>): JSX.Element {
  return (
    <Card title="Fairness" wide says="How far the rates of positive decisions lie apart between groups; 0 is equal.">
      <Table
        name="fairness"
        caption="Differences between groups"
        rows={fairness}
        rowKey={({ column }) => column}
        filterable={false}
        columns={[
          { key: 'column', head: 'Column', value: ({ column }) => column },
          {
            key: 'groups',
            head: 'Groups',
            value: ({ groups }) => groups.length,
            cell: ({ groups }) => groups.map(({ group, rows }) => `${group} (${number(rows, 0)})`).join(', '),
          },
          {
            key: 'dp',
            head: 'Demographic parity',
            number: true,
            value: (row) => row.demographicParityDifference,
            cell: (row) => measured(row.demographicParityDifference),
          },
          {
            key: 'eo',
            head: 'Equal opportunity',
            number: true,
            value: (row) => row.equalOpportunityDifference,
            cell: (row) => measured(row.equalOpportunityDifference),
          },
          {
            key: 'eod',
            head: 'Equalised odds',
            number: true,
            value: (row) => row.equalizedOddsDifference,
            cell: (row) => measured(row.equalizedOddsDifference),
          },
        ]}
      />
    </Card>
  );
}
