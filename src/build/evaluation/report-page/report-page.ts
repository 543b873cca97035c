import type { TestReport } from '#contract';
import type { Block } from '../document/blocks.ts';
import { toHtml } from '../document/to-html.ts';
import { count } from '../words.ts';
import {
  comparisonBlocks,
  fairnessBlocks,
  gateBlocks,
  importanceBlocks,
  metricBlocks,
  partBlocks,
  validationSetBlocks,
  sliceBlocks,
  warningBlocks,
} from './report-blocks.ts';
import { barChart, confusionChart, curveChart, dotChart } from './charts.ts';
import { figure } from '../words.ts';

/** A test report as a page for people: verdict first, then what it rests on. */
export function reportPage(report: TestReport): string {
  const failed = report.gates.filter(({ passed }) => !passed);
  const verdict: Block = report.passed
    ? { kind: 'note', tone: 'good', text: `All ${report.gates.length} gates hold on ${count(report.rows)} rows that no training saw.` }
    : {
        kind: 'note',
        tone: 'bad',
        text: `${failed.length} of ${report.gates.length} gates do not hold: ${failed.map(({ name }) => name).join(', ')}.`,
      };
  return toHtml({
    title: report.run === undefined ? 'Test report of a model trained elsewhere' : `Test report of run ${report.run}`,
    subtitle: `${report.createdAt} · report ${report.id} · SHA-256 ${report.digest}`,
    blocks: [
      verdict,
      ...warningBlocks(report),
      ...gateBlocks(report),
      ...metricBlocks(report),
      ...drawings(report),
      ...comparisonBlocks(report),
      ...partBlocks(report),
      ...validationSetBlocks(report),
      ...sliceBlocks(report),
      ...fairnessBlocks(report),
      ...importanceDrawing(report),
      ...importanceBlocks(report),
      { kind: 'heading', text: 'What this report rests on' },
      {
        kind: 'facts',
        items: [
          report.run === undefined ? ['Model version', report.modelVersion ?? ''] : ['Run', report.run],
          ['Test dataset version', report.dataset],
          ['Rows', count(report.rows)],
          ['Task', report.task],
          ['Charter', report.charter],
          ['Resamples of the intervals', String(report.resamples ?? 'unknown')],
          ['Seed', String(report.seed ?? 'unknown')],
          ['Report', report.digest],
        ],
      },
    ],
  });
}

function drawings({ curves, calibration, confusion, metrics, threshold }: TestReport): Block[] {
  const valueOf = (name: string): string => figure(metrics.find((metric) => metric.name === name)?.value);
  const figures = [];
  if (curves !== undefined && curves.roc.length > 0) {
    figures.push({
      caption: `ROC curve; area ${valueOf('roc_auc')}. The dashed line is guessing.`,
      svg: curveChart(curves.roc, {
        label: `ROC curve, area under it ${valueOf('roc_auc')}`,
        xTitle: 'false positive rate',
        yTitle: 'true positive rate',
        guide: [
          { x: 0, y: 0 },
          { x: 1, y: 1 },
        ],
      }),
    });
  }
  if (curves !== undefined && curves.precisionRecall.length > 0) {
    figures.push({
      caption: `Precision against recall; average precision ${valueOf('pr_auc')}.`,
      svg: curveChart(curves.precisionRecall, {
        label: `Precision-recall curve, average precision ${valueOf('pr_auc')}`,
        xTitle: 'recall',
        yTitle: 'precision',
      }),
    });
  }
  if (calibration !== undefined) {
    figures.push({
      caption: `Calibration: on the dashed line what was predicted is what happened. Expected error ${figure(calibration.error)}; a dot's area is its rows.`,
      svg: dotChart(
        calibration.bins.map(({ predicted, observed, count: rows }) => ({ x: predicted, y: observed, count: rows })),
        {
          label: `Calibration curve, expected calibration error ${figure(calibration.error)}`,
          xTitle: 'predicted probability',
          yTitle: 'observed share',
          guide: [
            { x: 0, y: 0 },
            { x: 1, y: 1 },
          ],
        },
      ),
    });
  }
  if (confusion !== undefined && confusion.classes.length <= 12) {
    const said = confusion.classes.map(
      (name, truth) =>
        `of true ${name}: ${confusion.counts[truth].map((rows, k) => `${rows} predicted ${confusion.classes[k]}`).join(', ')}`,
    );
    figures.push({
      caption:
        threshold === undefined ? 'Truth against prediction.' : `Truth against prediction at the threshold ${figure(threshold.value)}.`,
      svg: confusionChart(confusion.classes, confusion.counts, `Confusion matrix; ${said.join('; ')}`),
    });
  }
  return figures.length === 0 ? [] : [{ kind: 'figures', figures }];
}

function importanceDrawing({ importance, primary }: TestReport): Block[] {
  if (importance.length === 0) return [];
  const top = importance.slice(0, 15);
  const bars = top.map(({ feature, drop, std }) => ({ name: feature, value: drop, spread: std, text: figure(drop) }));
  const label = `Permutation importance of the ${top.length} most important columns; the values are in the table below`;
  return [
    { kind: 'heading', text: 'What the model relies on' },
    {
      kind: 'figures',
      figures: [
        {
          caption: `How much ${primary ?? 'the metric'} gets worse when a column is shuffled; whiskers: one standard deviation.`,
          svg: barChart(bars, label),
        },
      ],
    },
  ];
}
