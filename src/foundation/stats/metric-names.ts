import type { TaskKind } from './task.ts';

/** The metrics' names, the same in gates, monitors, runs and pages. */
export const metricNames = [
  'accuracy',
  'balanced_accuracy',
  'precision',
  'recall',
  'f1',
  'precision_weighted',
  'recall_weighted',
  'f1_weighted',
  'roc_auc',
  'pr_auc',
  'log_loss',
  'brier',
  'ece',
  'mse',
  'rmse',
  'mae',
  'mape',
  'r2',
] as const;

export type MetricName = (typeof metricNames)[number];

/** What is to be known about a metric to gate on it, watch it and print it. */
export interface MetricInfo {
  readonly name: MetricName;
  readonly title: string;
  readonly help: string;
  readonly higherIsBetter: boolean;
  /** `labels`: judged on predicted classes (so it moves with the decision threshold); `scores`: on probabilities or predicted numbers. */
  readonly needs: 'labels' | 'scores';
  readonly tasks: readonly TaskKind[];
  /** Least and greatest possible value; null where unbounded. */
  readonly range: readonly [number | null, number | null];
  /** `fraction`: 0..1, shown with three decimals or as a percentage; `number`: in a unit of its own (the target's, nats, …). */
  readonly format: 'fraction' | 'number';
}

const classification: readonly TaskKind[] = ['binary', 'multiclass'];
const unit = [0, 1] as const;
const fromZero = [0, null] as const;

function label(name: MetricName, title: string, help: string): MetricInfo {
  return { name, title, help, higherIsBetter: true, needs: 'labels', tasks: classification, range: unit, format: 'fraction' };
}

function error(name: MetricName, title: string, help: string): MetricInfo {
  return { name, title, help, higherIsBetter: false, needs: 'scores', tasks: ['regression'], range: fromZero, format: 'number' };
}

/** Name → facts. Definitions are those of scikit-learn unless the help says otherwise. */
export const metricInfo: Readonly<Record<MetricName, MetricInfo>> = {
  accuracy: label('accuracy', 'Accuracy', 'Share of rows whose predicted class is right.'),
  balanced_accuracy: label('balanced_accuracy', 'Balanced accuracy', 'Mean recall over the classes that occur.'),
  precision: label(
    'precision',
    'Precision',
    'Of the rows predicted positive, the share that is; unweighted mean over classes for multiclass.',
  ),
  recall: label('recall', 'Recall', 'Of the positive rows, the share that was predicted so; unweighted mean over classes for multiclass.'),
  f1: label('f1', 'F1', 'Harmonic mean of precision and recall; unweighted mean over classes for multiclass.'),
  precision_weighted: label('precision_weighted', 'Precision (weighted)', 'Mean of the precision of each class, weighted by its rows.'),
  recall_weighted: label('recall_weighted', 'Recall (weighted)', 'Mean of the recall of each class, weighted by its rows.'),
  f1_weighted: label('f1_weighted', 'F1 (weighted)', 'Mean of the F1 of each class, weighted by its rows.'),
  roc_auc: {
    ...label('roc_auc', 'ROC AUC', 'Chance that a positive row scores above a negative one (ties half); one-vs-rest mean for multiclass.'),
    needs: 'scores',
  },
  pr_auc: {
    ...label(
      'pr_auc',
      'PR AUC',
      'Average precision: precision at each threshold, weighted by the gain in recall; one-vs-rest mean for multiclass.',
    ),
    needs: 'scores',
  },
  log_loss: { ...error('log_loss', 'Log loss', 'Mean negative log probability of the true class, in nats.'), tasks: classification },
  brier: {
    ...error('brier', 'Brier score', 'Mean squared difference between probability and outcome; summed over classes for multiclass (0..2).'),
    tasks: classification,
    range: [0, 2],
  },
  ece: {
    ...error('ece', 'Calibration error', 'Expected calibration error over ten bins of equal width (of the top class for multiclass).'),
    tasks: classification,
    range: unit,
    format: 'fraction',
  },
  mse: error('mse', 'MSE', 'Mean squared error, in the square of the unit of the target.'),
  rmse: error('rmse', 'RMSE', 'Root of the mean squared error, in the unit of the target.'),
  mae: error('mae', 'MAE', 'Mean absolute error, in the unit of the target.'),
  mape: error('mape', 'MAPE', 'Mean absolute error relative to the size of the target (1 = 100 %).'),
  r2: {
    ...error('r2', 'R²', 'Share of the variance of the target that the predictions explain; below 0 when worse than its mean.'),
    higherIsBetter: true,
    range: [null, 1],
  },
};

/** Whether a name from outside is a metric's. */
export function isMetricName(name: string): name is MetricName {
  return Object.hasOwn(metricInfo, name);
}

/** The metrics that a task has, in the order in which reports show them. */
export function metricsOf(task: TaskKind): readonly MetricName[] {
  return metricNames.filter((name) => metricInfo[name].tasks.includes(task));
}
