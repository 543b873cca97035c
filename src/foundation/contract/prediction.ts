import { Type, type Static } from 'typebox';
import { Digest, Id, Instant, ModelName, Name, strict } from './common.ts';

export const CellValue = Type.Union([Type.Number(), Type.String(), Type.Boolean(), Type.Null()]);
export type CellValue = Static<typeof CellValue>;
/** A row with named columns. */
export const NamedRow = Type.Record(Type.String(), CellValue);
export type NamedRow = Static<typeof NamedRow>;

/** One prediction as the data plane logged it. Its id is `<generation>-<first 8 hex digits of the package digest>-<UUIDv7>`. */
export const Prediction = strict({
  id: Id,
  environment: Name,
  endpoint: Name,
  generation: Type.Integer(),
  package: Digest,
  model: ModelName,
  version: Type.String(),
  servedAt: Instant,
  eventTime: Type.Optional(Instant),
  traceId: Type.Optional(Type.String({ description: 'of the W3C trace that the request was a part of, 32 hex digits' })),
  latencyMs: Type.Number(),
  inputs: NamedRow,
  outputs: Type.Record(Type.String(), Type.Unknown()),
  key: Type.Optional(Type.String()),
});
export type Prediction = Static<typeof Prediction>;

/** What really happened, sent later. */
export const Label = strict({ prediction: Id, value: CellValue, observedAt: Type.Optional(Instant) });
export type Label = Static<typeof Label>;
export const LabelBatch = strict({ labels: Type.Array(Label, { minItems: 1, maxItems: 100_000 }) });

/** The body of the convenience route: rows with named columns, one prediction for each. */
export const PredictRequest = strict({
  rows: Type.Array(NamedRow, { minItems: 1 }),
  eventTime: Type.Optional(Instant),
  keys: Type.Optional(Type.Array(Type.String())),
  outlier: Type.Optional(
    Type.Boolean({ description: 'whether each answer says how far its row lies from those that the model learned from' }),
  ),
});
export type PredictRequest = Static<typeof PredictRequest>;
export const PredictAnswer = strict({
  model: ModelName,
  version: Type.String(),
  predictions: Type.Array(
    strict({
      id: Id,
      label: Type.Optional(Type.String()),
      probabilities: Type.Optional(Type.Record(Type.String(), Type.Number())),
      value: Type.Optional(Type.Number()),
      outlier: Type.Optional(strict({ score: Type.Number(), threshold: Type.Number(), isOutlier: Type.Boolean() })),
    }),
  ),
});
export type PredictAnswer = Static<typeof PredictAnswer>;
