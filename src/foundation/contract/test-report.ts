import { Type, type Static } from 'typebox';
import { Check, Digest, Id, Instant, Interval, Measured, oneOf, strict } from './common.ts';
import { ExplanationFidelity, ExplanationScale } from './explanation.ts';
import { Task } from './features.ts';
import { SplitStrategy } from './split.ts';

export const MetricValue = strict({
  name: Type.String(),
  value: Measured,
  interval: Type.Optional(Interval),
  higherIsBetter: Type.Boolean(),
});
export type MetricValue = Static<typeof MetricValue>;

export const Slice = strict({
  column: Type.String(),
  value: Type.String(),
  rows: Type.Integer(),
  metrics: Type.Record(Type.String(), Measured),
});

/** Champion against challenger on the same rows, that neither trained on. */
export const Comparison = strict({
  champion: Type.String({ description: 'its run, or the version of a model that was trained elsewhere' }),
  challenger: Type.String({ description: 'as the champion' }),
  dataset: Digest,
  rows: Type.Integer(),
  metric: Type.String(),
  championValue: Type.Number(),
  challengerValue: Type.Number(),
  difference: Type.Number(),
  interval: Interval,
  resamples: Type.Integer(),
  verdict: oneOf(['better', 'worse', 'no_evidence']),
});
export type Comparison = Static<typeof Comparison>;

/** How far rates of a binary decision lie apart over the groups of a column; null where they cannot be compared. */
export const Fairness = strict({
  column: Type.String(),
  groups: Type.Array(
    strict({
      group: Type.String(),
      rows: Type.Integer(),
      positives: Type.Integer(),
      selectionRate: Type.Number(),
      truePositiveRate: Measured,
      falsePositiveRate: Measured,
    }),
  ),
  demographicParityDifference: Measured,
  equalOpportunityDifference: Measured,
  equalizedOddsDifference: Measured,
});
export type Fairness = Static<typeof Fairness>;

/** A model's figures on a validation set: rows that a strategy held out. */
export const ValidationResult = strict({
  set: Type.String(),
  strategy: SplitStrategy,
  dataset: Digest,
  rows: Type.Integer({ description: 'judged' }),
  leftOut: Type.Optional(Type.Integer({ description: 'rows whose key the model has learned from' })),
  metrics: Type.Array(MetricValue),
});
export type ValidationResult = Static<typeof ValidationResult>;

export const Importance = strict({ feature: Type.String(), drop: Type.Number(), std: Type.Number() });
export const CurvePoint = strict({ x: Type.Number(), y: Type.Number() });

export const TestReport = strict({
  id: Id,
  digest: Digest,
  run: Type.Optional(Id),
  modelVersion: Type.Optional(Type.String({ description: 'instead of the run, for a model that was trained elsewhere' })),
  task: Task,
  dataset: Digest,
  rows: Type.Integer(),
  metrics: Type.Array(MetricValue),
  threshold: Type.Optional(strict({ value: Type.Number(), chosenBy: Type.String() })),
  confusion: Type.Optional(
    strict({
      classes: Type.Array(Type.String()),
      counts: Type.Array(Type.Array(Type.Integer()), { description: 'rows: truth, columns: prediction' }),
    }),
  ),
  calibration: Type.Optional(
    strict({
      bins: Type.Array(strict({ predicted: Type.Number(), observed: Type.Number(), count: Type.Integer() })),
      error: Type.Number(),
    }),
  ),
  curves: Type.Optional(strict({ roc: Type.Array(CurvePoint), precisionRecall: Type.Array(CurvePoint) })),
  slices: Type.Array(Slice),
  fairness: Type.Optional(Type.Array(Fairness, { description: 'by protected or named column; binary only' })),
  parts: Type.Array(
    strict({
      part: Type.String(),
      rows: Type.Integer(),
      metrics: Type.Record(Type.String(), Measured),
      datasets: Type.Optional(Type.Array(Digest)),
    }),
    { description: 'train, validation and test side by side, then further datasets that were asked for' },
  ),
  validationSets: Type.Optional(Type.Array(ValidationResult, { description: 'each set that the split names' })),
  primary: Type.Optional(Type.String({ description: 'the metric that importance, overfitting and the comparison speak of' })),
  seed: Type.Optional(Type.Integer({ description: 'of the resamples and permutations' })),
  resamples: Type.Optional(Type.Integer()),
  importance: Type.Array(Importance, { description: 'permutation importance over raw columns: how much the metric drops' }),
  warnings: Type.Array(Type.String()),
  gates: Type.Array(Check),
  passed: Type.Boolean(),
  comparison: Type.Optional(Comparison),
  charter: Digest,
  createdAt: Instant,
});
export type TestReport = Static<typeof TestReport>;

/** What each feature added to one prediction's margin; base value and contributions sum to the margin. */
export const Explanation = strict({
  model: Id,
  method: oneOf(['linear', 'tree_shap', 'kernel_shap']),
  class: Type.Optional(Type.String()),
  base: Type.Number(),
  margin: Type.Number(),
  contributions: Type.Array(
    strict({ feature: Type.String(), value: Type.Union([Type.Number(), Type.String(), Type.Null()]), contribution: Type.Number() }),
  ),
  /** Of a model that was trained elsewhere: by its data plane. */
  scale: Type.Optional(ExplanationScale),
  fidelity: Type.Optional(ExplanationFidelity),
});
export type Explanation = Static<typeof Explanation>;
