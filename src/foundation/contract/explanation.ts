import { Type, type Static } from 'typebox';
import { ModelName, oneOf, strict } from './common.ts';
import { CellValue, NamedRow } from './prediction.ts';

export const explanationMethods = ['linear', 'tree_shap', 'kernel_shap', 'occlusion'] as const;
/** What base value and margin are: of a classifier the log-odds of the class, or its log probability but for a constant that all classes share. */
export const explanationScales = ['log_odds', 'log_probability', 'probability', 'score', 'value'] as const;
export const ExplanationScale = oneOf(explanationScales);
export type ExplanationScale = Static<typeof ExplanationScale>;

/** How an explanation is wanted; what is left out is chosen by the model. */
export const ExplainOptions = strict({
  method: Type.Optional(
    oneOf(['auto', 'exact', 'kernel_shap', 'occlusion'], {
      description:
        'exact: contributions of a linear model or trees; kernel_shap: of any model on columns; occlusion: a map of an image; auto: the first that fits',
    }),
  ),
  class: Type.Optional(Type.String({ description: 'whose margin; default: the positive class of two, else the predicted one' })),
  classes: Type.Optional(Type.Array(Type.String(), { minItems: 1, maxItems: 20, description: 'occlusion: a map for each' })),
  output: Type.Optional(Type.String({ description: 'kernel_shap, occlusion: the output that is explained' })),
  samples: Type.Optional(
    Type.Integer({
      minimum: 16,
      maximum: 100_000,
      description: 'kernel_shap: coalitions of columns at most; default: 2 for each column, and 2048',
    }),
  ),
  patch: Type.Optional(
    Type.Integer({ minimum: 1, description: 'occlusion: side of the square that is covered, in pixels; default: an eighth' }),
  ),
  stride: Type.Optional(Type.Integer({ minimum: 1, description: 'occlusion: pixels from one square to the next; default: half a patch' })),
  baseline: Type.Optional(
    Type.Union([Type.Number(), Type.Literal('mean')], {
      description: 'occlusion: what covers it; default: the mean of each channel of the image',
    }),
  ),
});
export type ExplainOptions = Static<typeof ExplainOptions>;

/** The body of the data plane's route for rows with named columns. */
export const ExplainRequest = strict({
  rows: Type.Array(NamedRow, { minItems: 1 }),
  background: Type.Optional(
    Type.Array(NamedRow, { minItems: 1, maxItems: 1000, description: 'rows that contributions are measured from' }),
  ),
  ...ExplainOptions.properties,
});
export type ExplainRequest = Static<typeof ExplainRequest>;

const backgroundKinds = ['training', 'package', 'request', 'input_example', 'typical_values'] as const;
/** What contributions are measured from. */
export const ExplanationBackground = strict({
  kind: oneOf(backgroundKinds, {
    description:
      'training: the rows that the learner was fitted on (their means, and how many went each way in its trees); package: the rows of background.json in the package; request: rows that came along',
  }),
  rows: Type.Integer({ description: '0 for training: they are not here' }),
});
export type ExplanationBackground = Static<typeof ExplanationBackground>;

/** How well contributions stand for a model that is not looked into. */
export const ExplanationFidelity = strict({
  r2: Type.Number({ description: 'weighted R² of the contributions’ sums against the model, over the coalitions that were asked' }),
  coalitions: Type.Integer(),
  of: Type.Number({ description: 'coalitions that there are' }),
});
export type ExplanationFidelity = Static<typeof ExplanationFidelity>;

/** What moved one row's margin: base and contributions sum to it. */
export const RowExplanation = strict({
  class: Type.Optional(Type.String()),
  base: Type.Number(),
  margin: Type.Number({ description: 'what the model itself gives' }),
  contributions: Type.Array(
    strict({ feature: Type.String(), value: Type.Union([Type.Number(), Type.String(), Type.Null()]), contribution: Type.Number() }),
    { description: 'by input column (columns that the model joins to one feature together), the greatest first' },
  ),
  residual: Type.Number({ description: 'margin less base and contributions' }),
  fidelity: Type.Optional(ExplanationFidelity),
});
export type RowExplanation = Static<typeof RowExplanation>;

/** How much of a class’s score each part of an image holds: the score less that of the image with the part covered. */
export const OcclusionMap = strict({
  class: Type.String(),
  score: Type.Number(),
  values: Type.Array(Type.Array(Type.Number()), { description: 'by row and column of the squares, from the top left' }),
});
export type OcclusionMap = Static<typeof OcclusionMap>;

/** What the data plane answers when it is asked for explanations. */
export const ExplainAnswer = strict({
  model: ModelName,
  version: Type.String(),
  method: oneOf(explanationMethods),
  scale: ExplanationScale,
  background: Type.Optional(ExplanationBackground),
  reason: Type.Optional(Type.String({ description: 'why a more exact method was not taken' })),
  explanations: Type.Optional(Type.Array(RowExplanation)),
  maps: Type.Optional(
    strict({
      patch: Type.Integer(),
      stride: Type.Integer(),
      height: Type.Integer(),
      width: Type.Integer(),
      images: Type.Array(Type.Array(OcclusionMap), { description: 'maps by class, for each image' }),
    }),
  ),
});
export type ExplainAnswer = Static<typeof ExplainAnswer>;

/** `background.json` of a package: typical rows, nobody's own, each standing for a number of training rows. */
export const PackageBackground = strict({
  format: Type.Literal('gyre.background.v1'),
  columns: Type.Array(Type.String()),
  rows: Type.Array(Type.Array(CellValue), { minItems: 1 }),
  weights: Type.Array(Type.Number({ exclusiveMinimum: 0 })),
  of: strict({ rows: Type.Integer(), dataset: Type.Optional(Type.String()) }),
});
export type PackageBackground = Static<typeof PackageBackground>;

/** How outlier scores are fitted when a version is packed. */
export const OutlierSpec = strict({
  method: oneOf(['isolation_forest', 'mahalanobis', 'none']),
  quantile: Type.Number({ exclusiveMinimum: 0, exclusiveMaximum: 1 }),
});
export type OutlierSpec = Static<typeof OutlierSpec>;

/** `outliers.json` of a package: what its `outliers.onnx` scores, and from where on a row is one. */
export const PackageOutliers = strict({
  format: Type.Literal('gyre.outliers.v1'),
  method: oneOf(['isolation_forest', 'mahalanobis']),
  quantile: Type.Number(),
  threshold: Type.Number({ description: 'a row with a greater score is an outlier' }),
  columns: Type.Array(Type.String()),
  of: strict({ rows: Type.Integer(), dataset: Type.Optional(Type.String()) }),
});
export type PackageOutliers = Static<typeof PackageOutliers>;
