import type { TestReport, ValidationResult } from '#contract';
import { isMetricName, metricInfo } from '#stats';
import type { Block, Cell } from '../document/blocks.ts';
import { count, figure, percent } from '../words.ts';

/*
 * The parts of a test report as blocks of a document: the report's page and the model card are made of the same ones.
 */

const titleOf = (name: string): string => (isMetricName(name) ? metricInfo[name].title : name);

export function warningBlocks({ warnings }: TestReport): Block[] {
  return warnings.map((text) => ({ kind: 'note', tone: 'warning', text: sentence(text) }));
}

/** All that a report found, in words and tables: from its gates to what the model relies on. */
export function findingBlocks(report: TestReport): Block[] {
  return [
    ...gateBlocks(report),
    ...metricBlocks(report),
    ...comparisonBlocks(report),
    ...partBlocks(report),
    ...validationSetBlocks(report),
    ...sliceBlocks(report),
    ...fairnessBlocks(report),
    ...(report.importance.length === 0 ? [] : [{ kind: 'heading', text: 'What the model relies on' } as const]),
    ...importanceBlocks(report),
  ];
}

export function gateBlocks({ gates }: TestReport): Block[] {
  if (gates.length === 0) return [];
  return [
    { kind: 'heading', text: 'Gates' },
    {
      kind: 'table',
      caption: 'The charter’s thresholds and the project’s gates',
      columns: [{ title: 'Gate' }, { title: 'Verdict' }, { title: 'What was found' }],
      rows: gates.map(({ name, passed, message }): Cell[] => [
        name,
        passed ? { text: 'passed', tone: 'good' } : { text: 'failed', tone: 'bad' },
        sentence(message),
      ]),
    },
  ];
}

export function metricBlocks({ metrics, threshold, rows }: TestReport): Block[] {
  const level = metrics.find(({ interval }) => interval !== undefined)?.interval?.level;
  return [
    { kind: 'heading', text: 'Metrics' },
    {
      kind: 'table',
      caption: `On ${count(rows)} test rows`,
      columns: [
        { title: 'Metric' },
        { title: 'Value', numeric: true },
        { title: `${level === undefined ? '' : `${percent(level)} `}interval`, numeric: true },
        { title: 'Better' },
      ],
      rows: metrics.map(({ name, value, interval, higherIsBetter }) => [
        titleOf(name),
        figure(value),
        interval === undefined ? '' : `${figure(interval.low)} to ${figure(interval.high)}`,
        higherIsBetter ? 'higher' : 'lower',
      ]),
    },
    ...(threshold === undefined
      ? []
      : [
          {
            kind: 'text',
            text: `A row counts as positive from a probability of ${figure(threshold.value)} on, chosen by ${threshold.chosenBy}.`,
          } as const,
        ]),
  ];
}

export function comparisonBlocks({ comparison }: TestReport): Block[] {
  if (comparison === undefined) return [];
  const { champion, metric, championValue, challengerValue, difference, interval, rows, resamples, verdict } = comparison;
  const said = {
    better: 'The new model is better than the champion: the whole interval of the difference speaks for it.',
    worse: 'The new model is worse than the champion: the whole interval of the difference speaks against it.',
    no_evidence: 'There is no evidence of a difference: the interval contains 0.',
  }[verdict];
  return [
    { kind: 'heading', text: 'Against the champion' },
    { kind: 'note', tone: verdict === 'better' ? 'good' : verdict === 'worse' ? 'bad' : 'plain', text: said },
    {
      kind: 'facts',
      items: [
        ['Champion', `run ${champion}`],
        [titleOf(metric), `${figure(championValue)} (champion), ${figure(challengerValue)} (this model)`],
        ['Difference', `${figure(difference)}; ${percent(interval.level)} interval ${figure(interval.low)} to ${figure(interval.high)}`],
        ['Rows', `${count(rows)}, the same for both, none of which either learned from; paired bootstrap of ${count(resamples)} resamples`],
      ],
    },
  ];
}

export function partBlocks({ parts, metrics }: TestReport): Block[] {
  if (parts.length < 2) return [];
  return [
    { kind: 'heading', text: 'Side by side' },
    {
      kind: 'table',
      caption: 'The same metrics on the rows that the model learned from, and on others',
      columns: [{ title: 'Metric' }, ...parts.map(({ part, rows }) => ({ title: `${part} (${count(rows)})`, numeric: true }))],
      rows: metrics.map(({ name }) => [titleOf(name), ...parts.map((part) => figure(part.metrics[name]))]),
    },
  ];
}

/** In words, how a validation set was chosen. */
function chosenBy({ strategy, columns, cell, from, places }: ValidationResult['strategy']): string {
  const by = columns.length === 0 ? '' : ` by ${columns.join(', ')}`;
  const more = [
    ...(cell === undefined ? [] : [`squares of ${cell} degrees`]),
    ...(from === undefined ? [] : [`from ${from}`]),
    ...(places === undefined ? [] : [`${count(places.length)} named places`]),
  ];
  return `${strategy}${by}${more.length === 0 ? '' : ` (${more.join(', ')})`}`;
}

export function validationSetBlocks({ validationSets = [], metrics, rows }: TestReport): Block[] {
  if (validationSets.length === 0) return [];
  const columns = [
    { part: 'test', rows, metrics },
    ...validationSets.map((set) => ({ part: set.set, rows: set.rows, metrics: set.metrics })),
  ];
  const cell = (name: string, values: TestReport['metrics']): string => {
    const found = values.find((metric) => metric.name === name);
    const interval = found?.interval;
    return `${figure(found?.value ?? null)}${interval === undefined ? '' : ` (${figure(interval.low)} to ${figure(interval.high)})`}`;
  };
  return [
    { kind: 'heading', text: 'On each validation set' },
    {
      kind: 'table',
      caption: 'The same metrics on rows that a strategy held out of training, with their intervals',
      columns: [{ title: 'Metric' }, ...columns.map((each) => ({ title: `${each.part} (${count(each.rows)})`, numeric: true }))],
      rows: metrics.map(({ name }) => [titleOf(name), ...columns.map((each) => cell(name, each.metrics))]),
    },
    { kind: 'facts', items: validationSets.map(({ set, strategy }): [string, string] => [set, chosenBy(strategy)]) },
  ];
}

/** A slice table shows the metrics that people compare groups by, not all. */
const sliceMetrics: Readonly<Record<TestReport['task'], readonly string[]>> = {
  binary: ['accuracy', 'roc_auc', 'precision', 'recall', 'f1', 'ece'],
  multiclass: ['accuracy', 'balanced_accuracy', 'f1', 'log_loss'],
  regression: ['rmse', 'mae', 'r2'],
};

export function sliceBlocks({ slices, task }: TestReport): Block[] {
  if (slices.length === 0) return [];
  const names = sliceMetrics[task];
  return [
    { kind: 'heading', text: 'By slice' },
    ...[...new Set(slices.map(({ column }) => column))].map((column): Block => ({
      kind: 'table',
      caption: `By ${column}`,
      columns: [{ title: column }, { title: 'Rows', numeric: true }, ...names.map((name) => ({ title: titleOf(name), numeric: true }))],
      rows: slices
        .filter((slice) => slice.column === column)
        .map(({ value, rows, metrics }) => [value, count(rows), ...names.map((name) => figure(metrics[name]))]),
    })),
  ];
}

export function fairnessBlocks({ fairness = [] }: TestReport): Block[] {
  if (fairness.length === 0) return [];
  return [
    { kind: 'heading', text: 'Between groups' },
    {
      kind: 'table',
      caption:
        'Greatest gap between groups in the rate of positive predictions (demographic parity), in recall (equal opportunity), and in recall or false alarms (equalized odds)',
      columns: [
        { title: 'By' },
        { title: 'Demographic parity', numeric: true },
        { title: 'Equal opportunity', numeric: true },
        { title: 'Equalized odds', numeric: true },
      ],
      rows: fairness.map(({ column, demographicParityDifference, equalOpportunityDifference, equalizedOddsDifference }) => [
        column,
        figure(demographicParityDifference),
        figure(equalOpportunityDifference),
        figure(equalizedOddsDifference),
      ]),
    },
  ];
}

export function importanceBlocks({ importance, primary }: TestReport): Block[] {
  if (importance.length === 0) return [];
  return [
    {
      kind: 'table',
      caption: `Permutation importance: how much ${primary ?? 'the metric'} gets worse when the column's values are shuffled`,
      columns: [{ title: 'Column' }, { title: 'Drop', numeric: true }, { title: 'Standard deviation', numeric: true }],
      rows: importance.map(({ feature, drop, std }) => [feature, figure(drop), figure(std)]),
    },
  ];
}

function sentence(text: string): string {
  const closed = /[.?!]$/.test(text) ? text : `${text}.`;
  return closed;
}
