import { Type, type Static } from 'typebox';
import { Actor, AliasName, Digest, Id, Instant, ModelName, oneOf, strict } from './common.ts';
import { InputColumn, Task } from './features.ts';

/** A tensor as the Open Inference Protocol describes it; an axis of -1 has any size. */
const TensorSpec = strict({ name: Type.String(), datatype: Type.String(), shape: Type.Array(Type.Integer()) });

/** The Open Inference Protocol's names of ONNX's element types. */
export const datatypeOfElement = {
  BOOL: 'BOOL',
  UINT8: 'UINT8',
  UINT16: 'UINT16',
  UINT32: 'UINT32',
  UINT64: 'UINT64',
  INT8: 'INT8',
  INT16: 'INT16',
  INT32: 'INT32',
  INT64: 'INT64',
  FLOAT16: 'FP16',
  FLOAT: 'FP32',
  DOUBLE: 'FP64',
  STRING: 'BYTES',
} as const;

/** What a model takes and gives: named raw columns in, tensors of the Open Inference Protocol out. */
export const Signature = strict({
  /** Absent for a model trained elsewhere of which nobody has said it. */
  task: Type.Optional(Task),
  inputs: Type.Array(InputColumn, {
    description: 'the columns of one value a row; a model that takes wider tensors names them in `tensors`',
  }),
  tensors: Type.Optional(Type.Array(TensorSpec, { description: 'every tensor that the graph of a model trained elsewhere takes' })),
  outputs: Type.Array(TensorSpec),
  classes: Type.Array(Type.String()),
  positive: Type.Optional(Type.String()),
  threshold: Type.Optional(Type.Number()),
});
export type Signature = Static<typeof Signature>;

export const PackageFile = strict({ path: Type.String(), digest: Digest, size: Type.Integer() });
export type PackageFile = Static<typeof PackageFile>;
/** A model package: a folder, listed file by file; the digest of this list's canonical JSON names the package. */
export const ModelPackage = strict({ format: Type.Literal('gyre.package.v1'), files: Type.Array(PackageFile) });
export type ModelPackage = Static<typeof ModelPackage>;

/** Names by digest everything that a model version was made from. */
export const Evidence = strict({
  model: ModelName,
  run: Id,
  trainer: Type.String(),
  seed: Type.Integer(),
  onnx: Digest,
  transform: Digest,
  datasets: Type.Record(Type.String(), Digest),
  testReport: Digest,
  charter: Digest,
  code: strict({ commit: Type.Union([Type.String(), Type.Null()]), dirty: Type.Boolean(), patch: Type.Optional(Digest) }),
  environment: Digest,
  parity: strict({ rows: Type.Integer(), maxDifference: Type.Number(), tolerance: Type.Number() }),
});
export type Evidence = Static<typeof Evidence>;

export const modelStates = ['candidate', 'tested', 'certified', 'approved', 'rejected', 'retired'] as const;
/** Stages of MLflow's registry, which its clients still move versions through. */
export const modelStages = ['None', 'Staging', 'Production', 'Archived'] as const;
export const ModelVersion = strict({
  id: Id,
  model: ModelName,
  version: Type.Integer({ minimum: 1 }),
  source: Type.String({ description: 'where its files came from, as whoever registered it said' }),
  /** Absent when the source is elsewhere: Gyre then has none of its files. */
  package: Type.Optional(Digest),
  files: Type.Array(PackageFile),
  /** Absent when nothing says what the model takes: it cannot be served. */
  signature: Type.Optional(Signature),
  flavors: Type.Optional(Type.Array(Type.String(), { description: 'the ways to load it that its MLmodel file names' })),
  run: Type.Optional(Id),
  /** The logged model (`m-…`) that it was registered from. */
  loggedModel: Type.Optional(Id),
  testReport: Type.Optional(Id),
  testsPassed: Type.Boolean(),
  charter: Type.Optional(Digest),
  description: Type.String(),
  stage: oneOf(modelStages),
  runLink: Type.Optional(Type.String()),
  aliases: Type.Array(Type.String()),
  tags: Type.Record(Type.String(), Type.String()),
  createdAt: Instant,
  updatedAt: Instant,
  createdBy: Actor,
  /** Only its record is left. */
  deletedAt: Type.Optional(Instant),
});
export type ModelVersion = Static<typeof ModelVersion>;

/** A version that Gyre itself trained, judged and packed, with all its evidence: what tests, releases and monitors work with. */
export type JudgedVersion = ModelVersion &
  Required<Pick<ModelVersion, 'package' | 'run' | 'testReport' | 'charter'>> & {
    readonly signature: Signature & Required<Pick<Signature, 'task'>>;
  };
export function isJudged(version: ModelVersion): version is JudgedVersion {
  return lackingEvidence(version).length === 0;
}
/** What a version lacks to be tested and released, in words; nothing for one that lacks nothing. */
export function lackingEvidence({ package: digest, files, signature, run, testReport, charter }: ModelVersion): string[] {
  return [
    ...(digest === undefined ? ['files in Gyre'] : files.some(({ path }) => path === 'model.onnx') ? [] : ['a graph (model.onnx)']),
    ...(signature === undefined ? ['a signature'] : signature.task === undefined ? ['the task in its signature'] : []),
    ...(run === undefined ? ['a run'] : []),
    ...(testReport === undefined ? ['a test report'] : []),
    ...(charter === undefined ? ['a charter that it was judged by'] : []),
  ];
}

/** The aliases that say something to Gyre itself; any other is free. */
export const aliasNames = ['candidate', 'champion'] as const;
export const RegisteredModel = strict({
  name: ModelName,
  description: Type.String(),
  tags: Type.Record(Type.String(), Type.String()),
  aliases: Type.Record(Type.String(), Type.Integer(), { description: 'the version that each alias names' }),
  createdAt: Instant,
  updatedAt: Instant,
  latest: Type.Optional(Type.Integer({ description: 'its newest version' })),
});
export type RegisteredModel = Static<typeof RegisteredModel>;
export const AliasChange = strict({ alias: AliasName, version: Type.Integer({ minimum: 1 }) });
