interface MetricWords {
  readonly label: string;
  readonly higherIsBetter: boolean;
}

const known: Readonly<Record<string, MetricWords>> = {
  accuracy: { label: 'Accuracy', higherIsBetter: true },
  balanced_accuracy: { label: 'Balanced accuracy', higherIsBetter: true },
  precision: { label: 'Precision', higherIsBetter: true },
  recall: { label: 'Recall', higherIsBetter: true },
  f1: { label: 'F1', higherIsBetter: true },
  roc_auc: { label: 'ROC AUC', higherIsBetter: true },
  pr_auc: { label: 'PR AUC', higherIsBetter: true },
  mcc: { label: 'Matthews correlation', higherIsBetter: true },
  specificity: { label: 'Specificity', higherIsBetter: true },
  r2: { label: 'R²', higherIsBetter: true },
  log_loss: { label: 'Log loss', higherIsBetter: false },
  brier: { label: 'Brier score', higherIsBetter: false },
  rmse: { label: 'RMSE', higherIsBetter: false },
  mae: { label: 'MAE', higherIsBetter: false },
  mse: { label: 'MSE', higherIsBetter: false },
  ece: { label: 'Calibration error', higherIsBetter: false },
  precision_weighted: { label: 'Precision, weighted', higherIsBetter: true },
  recall_weighted: { label: 'Recall, weighted', higherIsBetter: true },
  f1_weighted: { label: 'F1, weighted', higherIsBetter: true },
  calibration_error: { label: 'Calibration error', higherIsBetter: false },
};

/** The name of a metric as every page writes it; a prefix such as `train.` or `val_` stays in front. */
export function metricLabel(name: string): string {
  const exact = known[name];
  if (exact !== undefined) return exact.label;
  const [, prefix, rest] = /^(train|training|validation|val|test|valid)[._/ -](.+)$/.exec(name) ?? [];
  if (prefix !== undefined && rest !== undefined) return `${metricLabel(rest)}, ${prefix}`;
  // A gate's name: the metric, then its condition.
  const [, metric, condition] = /^([a-z0-9_]+)( .+)$/.exec(name) ?? [];
  if (metric !== undefined && condition !== undefined && known[metric] !== undefined)
    return `${metricLabel(metric)} ${thresholdWords(condition)}`;
  return name.replaceAll('_', ' ');
}

/** Undefined for a metric that is not known: then no arrow is shown rather than a wrong one. */
export function higherIsBetter(name: string): boolean | undefined {
  return (known[name] ?? known[name.replace(/^(train|training|validation|val|test|valid)[._/ -]/, '')])?.higherIsBetter;
}

/** `↑` higher is better, `↓` lower is better. */
export function directionMark(name: string, higher = higherIsBetter(name)): string {
  if (higher === undefined) return '';
  return higher ? '↑' : '↓';
}

const operators = ['>=', '<=', '>', '<'] as const;
export type Operator = (typeof operators)[number];

/** Reads ">= 0.83"; undefined when the text says something else. */
export function thresholdOf(text: string | undefined): { readonly operator: Operator; readonly value: number } | undefined {
  const [, operator, digits] = /^\s*(>=|<=|>|<)\s*(-?\d*\.?\d+)/.exec(text ?? '') ?? [];
  const found = operators.find((candidate) => candidate === operator);
  return found === undefined || digits === undefined ? undefined : { operator: found, value: Number(digits) };
}

/** ">= 0.83" → "≥ 0.83". */
export function thresholdWords(text: string): string {
  return text.replace('>=', '≥').replace('<=', '≤').trim();
}
