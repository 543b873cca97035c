import { Type, type Static } from 'typebox';
import { Digest, Id, Instant, oneOf, strict } from './common.ts';
import { ColumnType } from './table-schema.ts';

export const tasks = ['binary', 'multiclass', 'regression'] as const;
export const Task = oneOf(tasks);
export type Task = Static<typeof Task>;

export const imageFits = ['cover', 'stretch'] as const;
export const imageKernels = ['bilinear', 'lanczos'] as const;

/**
 * How a picture becomes the tensor that a model's graph takes. It is all that a data plane needs to make the very pixels that training
 * saw: decoding and resizing by a function that is named with its version, then the layout. Nothing shrinks while it is decoded.
 */
export const ImageInput = strict({
  function: Type.String({ description: 'version of decoding and resizing, such as image/1' }),
  width: Type.Integer({ minimum: 1, maximum: 8192 }),
  height: Type.Integer({ minimum: 1, maximum: 8192 }),
  fit: oneOf(imageFits, { description: '`cover` cuts the middle out; `stretch` changes proportions' }),
  kernel: oneOf(imageKernels),
  channels: oneOf(['RGB', 'BGR']),
  layout: oneOf(['NHWC', 'NCHW']),
  datatype: oneOf(['UINT8', 'FP32']),
  mean: Type.Optional(
    Type.Tuple([Type.Number(), Type.Number(), Type.Number()], { description: 'of FP32: (pixel - mean) / std, by channel' }),
  ),
  std: Type.Optional(
    Type.Tuple([Type.Number({ exclusiveMinimum: 0 }), Type.Number({ exclusiveMinimum: 0 }), Type.Number({ exclusiveMinimum: 0 })]),
  ),
});
export type ImageInput = Static<typeof ImageInput>;

/** One raw column that a model takes, as a caller names it. Numbers and booleans travel as FP64, strings as BYTES. */
export const InputColumn = strict({
  name: Type.String(),
  type: ColumnType,
  datatype: oneOf(['FP64', 'BYTES']),
  required: Type.Boolean({ description: 'false: a missing value is imputed as training did' }),
  categories: Type.Optional(Type.Array(Type.String(), { description: 'the values seen in training' })),
  range: Type.Optional(Type.Array(Type.Number(), { minItems: 2, maxItems: 2, description: 'least and greatest value seen in training' })),
  image: Type.Optional(ImageInput),
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
  backbone: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$', description: 'of a transform of pictures: SHA-256 of its network' })),
  target: Type.String(),
  task: Task,
  classes: Type.Array(Type.String(), { description: 'in the order of the probabilities; empty for regression' }),
  positive: Type.Optional(Type.String()),
  inputs: Type.Array(InputColumn),
  features: Type.Array(strict({ name: Type.String(), from: Type.Array(Type.String()), how: Type.String() })),
  createdAt: Instant,
});
export type Transform = Static<typeof Transform>;
