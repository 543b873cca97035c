import { Type, type Static } from 'typebox';
import { batchStates } from './batch.ts';
import { Actor, Id, Instant, ModelName, oneOf, strict } from './common.ts';
import { executesCodeOnLoad, isModelGraph } from './model.ts';
import type { ModelVersion, PackageFile } from './model.ts';
import { NamedRow } from './prediction.ts';

const convertedTypes = ['BOOL', 'INT8', 'INT16', 'INT32', 'INT64', 'UINT8', 'UINT16', 'UINT32', 'UINT64', 'FP16', 'FP32', 'FP64'] as const;
const ConvertedTensor = strict({
  name: Type.String({ pattern: '^[\\w.-]{1,200}$' }),
  datatype: oneOf(convertedTypes),
  shape: Type.Array(Type.Integer({ minimum: -1, maximum: 1_000_000 }), { minItems: 1, maxItems: 8 }),
});
/** What a network takes that does not say so itself; an axis of -1 has any size. */
export type ConvertedTensor = Static<typeof ConvertedTensor>;

/** `image=FP32[N,3,96,96]`; an axis that is no number has any size, and the first one is that of rows. */
export function tensorFromWords(text: string): ConvertedTensor | undefined {
  const [, name = '', type = '', axes = ''] = /^([\w.-]{1,200})=(\w+)\[([^\]]+)\]$/.exec(text.trim()) ?? [];
  const datatype = convertedTypes.find((known) => known === type);
  const shape = axes.split(',').map((axis) => (/^[1-9]\d*$/.test(axis.trim()) ? Number(axis) : -1));
  return datatype === undefined || shape[0] !== -1 ? undefined : { name, datatype, shape };
}

const said = {
  classes: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 1000 }), {
      minItems: 2,
      maxItems: 1000,
      description: 'of a network on columns: what its numbers stand for, in their order',
    }),
  ),
  logits: Type.Optional(Type.Boolean({ description: 'whether these numbers are logits' })),
  tensors: Type.Optional(
    Type.Array(ConvertedTensor, {
      minItems: 1,
      maxItems: 100,
      description: 'what a network takes that does not say so itself (TorchScript), in its order; -1: any size',
    }),
  ),
  tolerance: Type.Optional(
    Type.Number({
      minimum: 0,
      maximum: 1,
      default: 1e-4,
      description: 'how far a number may lie from the model’s, in shares of it, or of 1',
    }),
  ),
  accept: Type.Optional(Type.Boolean({ description: 'keep a graph that lies further away' })),
};

/** How a version that only Python can load is converted to an ONNX graph. */
export const VersionConversion = strict({
  rows: Type.Optional(
    Type.Array(NamedRow, {
      minItems: 1,
      maxItems: 1000,
      description:
        'to compare both on; default: the model’s input example. A bare file of scikit-learn, XGBoost or LightGBM takes the columns that these rows have, in their order',
    }),
  ),
  ...said,
});
export type VersionConversion = Static<typeof VersionConversion>;

/** What a conversion is at. */
export const conversionStages = ['reading', 'preparing Python', 'converting and comparing', 'registering'] as const;

/** A conversion on the platform, and what came of it. */
export const ModelConversion = strict({
  id: Id,
  state: oneOf(batchStates),
  stage: Type.Optional(oneOf(conversionStages)),
  from: strict({ id: Id, model: ModelName, version: Type.Integer({ minimum: 1 }) }),
  request: strict({ rows: Type.Optional(Type.Integer({ description: 'how many were sent along' })), ...said }),
  said: Type.Array(Type.String(), { description: 'the last lines that the model and its converter printed' }),
  made: Type.Optional(strict({ id: Id, version: Type.Integer({ minimum: 1 }) })),
  parity: Type.Optional(Type.String({ description: 'by how much the graph and the model differ' })),
  error: Type.Optional(Type.String()),
  code: Type.Optional(Type.String()),
  queuedAt: Instant,
  startedAt: Type.Optional(Instant),
  finishedAt: Type.Optional(Instant),
  by: Actor,
});
export type ModelConversion = Static<typeof ModelConversion>;

const convertedFiles = /\.(pkl|pickle|joblib|json|ubj|txt|pt2?|pth|ts|keras|h5|hdf5)$/i;
/** What tells of a model, and is none. */
const besideModels: ReadonlySet<string> = new Set([
  'conversion.json',
  'examples.json',
  'input_example.json',
  'requirements.txt',
  'serving_input_example.json',
  'signature.json',
]);

/**
 * The file of a version whose files hold one model by itself: a pickle, a model file of XGBoost's or LightGBM's, a network of PyTorch's or Keras's.
 * @returns undefined when there is no such file, or there are several
 */
export function bareModelFile(files: readonly Pick<PackageFile, 'path'>[]): string | undefined {
  const found = files.filter(({ path }) => convertedFiles.test(path) && !besideModels.has(path));
  return found.length === 1 && !found[0].path.includes('/') ? found[0].path : undefined;
}

/** Whether a version may be converted to an ONNX graph: only Python can load what it holds. */
export function isConvertible(version: Pick<ModelVersion, 'files' | 'flavors'>): boolean {
  if (version.files.some(isModelGraph)) return false;
  return executesCodeOnLoad(version) || version.files.some(({ path }) => path === 'MLmodel') || bareModelFile(version.files) !== undefined;
}
