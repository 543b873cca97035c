import { Type, type Static } from 'typebox';
import { Digest, Id, Instant, oneOf, strict } from './common.ts';
import { ColumnType } from './table-schema.ts';

export const tasks = ['binary', 'multiclass', 'regression'] as const;
export const Task = oneOf(tasks);
export type Task = Static<typeof Task>;

/** One raw column that a model takes, as a caller names it. Numbers and booleans travel as FP64, strings as BYTES. */
export const InputColumn = strict({
  name: Type.String(),
  type: ColumnType,
  datatype: oneOf(['FP64', 'BYTES']),
  required: Type.Boolean({ description: 'false: a missing value is imputed as training did' }),
  categories: Type.Optional(Type.Array(Type.String(), { description: 'the values seen in training' })),
  range: Type.Optional(Type.Array(Type.Number(), { minItems: 2, maxItems: 2, description: 'least and greatest value seen in training' })),
});
export type InputColumn = Static<typeof InputColumn>;

/** A fitted transform: a reusable artifact, named by the digest of its ONNX graph and its description. */
export const Transform = strict({
  id: Id,
  digest: Digest,
  graph: Digest,
  name: Type.String(),
  fittedOn: Digest,
  train: Type.Optional(
    Type.Array(strict({ version: Digest, weight: Type.Number() }), { description: 'all versions it was fitted on, `fittedOn` first' }),
  ),
  warnings: Type.Optional(Type.Array(Type.String(), { description: 'what fitting noticed about the columns' })),
  target: Type.String(),
  task: Task,
  classes: Type.Array(Type.String(), { description: 'in the order of the probabilities; empty for regression' }),
  positive: Type.Optional(Type.String()),
  inputs: Type.Array(InputColumn),
  features: Type.Array(strict({ name: Type.String(), from: Type.Array(Type.String()), how: Type.String() })),
  createdAt: Instant,
});
export type Transform = Static<typeof Transform>;
