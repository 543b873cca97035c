import { Type, type Static } from 'typebox';
import { Actor, AliasName, Digest, Id, Instant, ModelName, oneOf, strict } from './common.ts';
import { InputColumn, Task } from './features.ts';

/** The flavours that a Python process of the data plane loads, the most general first. */
export const pythonFlavors = ['python_function', 'sklearn', 'pytorch'] as const;

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

/** The header of the Open Inference Protocol's binary tensor data: how many bytes of a body are JSON. Behind them the tensors begin. */
export const jsonLengthHeader = 'inference-header-content-length';

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
const TrainedEvidence = strict({
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
export type TrainedEvidence = Static<typeof TrainedEvidence>;

/** How a graph that was trained elsewhere stands behind named columns, and what it is judged by. */
export const Brought = strict({
  package: Digest,
  graph: Type.String({ description: 'path of the graph among the files that were brought; of the MLmodel file for a model without one' }),
  tensors: Type.Array(strict({ name: Type.String(), columns: Type.Array(Type.String()) }), {
    description: 'the columns that each tensor of the graph takes, in their order',
  }),
  output: Type.String({ description: 'the value of the graph that says probabilities, or the prediction' }),
  target: Type.String({ description: 'the column that it predicts' }),
  key: Type.Optional(Type.String({ description: 'the column that names a row' })),
});
export type Brought = Static<typeof Brought>;

/** Of a version that was trained elsewhere: what came, who brought it, and what it was tested with. */
const BroughtEvidence = strict({
  model: ModelName,
  brought: Brought,
  source: Type.String(),
  by: Actor,
  at: Instant,
  graph: Digest,
  /** Of the graph behind named columns; absent for a model that Python runs. */
  onnx: Type.Optional(Digest),
  /** What ran the model when it was tested: loading it executed code from its files. */
  python: Type.Optional(
    strict({ version: Type.String(), libraries: Type.Record(Type.String(), Type.String()), flavors: Type.Array(Type.String()) }),
  ),
  datasets: Type.Record(Type.String(), Digest),
  testReport: Digest,
  charter: Digest,
  /** The graph behind named columns against itself as it was brought; a model that Python runs is called as it is. */
  parity: Type.Optional(strict({ rows: Type.Integer(), maxDifference: Type.Number(), tolerance: Type.Number() })),
});
export type BroughtEvidence = Static<typeof BroughtEvidence>;
export const Evidence = Type.Union([TrainedEvidence, BroughtEvidence]);
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
  executesCodeOnLoad: Type.Optional(
    Type.Boolean({ description: 'it has no ONNX graph: whoever loads it, by Python, executes code that came in its files' }),
  ),
  run: Type.Optional(Id),
  /** The logged model (`m-…`) that it was registered from. */
  loggedModel: Type.Optional(Id),
  testReport: Type.Optional(Id),
  testsPassed: Type.Boolean(),
  charter: Type.Optional(Digest),
  /** Of a version that was trained elsewhere and tested here. */
  brought: Type.Optional(Brought),
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

/** A version that Gyre has judged and packed: what application tests, releases and monitors work with. */
export type JudgedVersion = ModelVersion &
  Required<Pick<ModelVersion, 'package' | 'testReport' | 'charter'>> & {
    readonly signature: Signature & Required<Pick<Signature, 'task'>>;
  };
export function isJudged(version: ModelVersion): version is JudgedVersion {
  return lackingEvidence(version).length === 0;
}
/** A judged version that Gyre itself trained: it can be explained and reproduced. */
export type TrainedVersion = JudgedVersion & Required<Pick<ModelVersion, 'run'>>;
export function isTrained(version: ModelVersion): version is TrainedVersion {
  return isJudged(version) && version.brought === undefined && version.run !== undefined;
}
/** Whether a file of a package is a model's graph: what scores outliers beside it is none. */
export function isModelGraph({ path }: Pick<PackageFile, 'path'>): boolean {
  return path.endsWith('.onnx') && path !== 'outliers.onnx';
}
/** What a version lacks to be released, in words; nothing for one that lacks nothing. */
export function lackingEvidence({ package: digest, files, flavors, signature, testReport, charter }: ModelVersion): string[] {
  const isServed = files.some(isModelGraph) || executesCodeOnLoad({ files, flavors });
  const isTested = testReport !== undefined && charter !== undefined && signature?.task !== undefined;
  return [
    ...(digest === undefined ? ['files in Gyre'] : isServed ? [] : ['a graph (an .onnx file)']),
    ...(isTested ? [] : ['a test report']),
  ];
}

/**
 * Where the `MLmodel` file lies of a model that has no graph, so that only Python can load it: that executes code from its files.
 * @returns '' or a path that ends in a slash; undefined for a model that is no such one
 */
export function pythonFolderOf({ files, flavors }: Pick<ModelVersion, 'files' | 'flavors'>): string | undefined {
  const loads = flavors?.some((name) => (pythonFlavors as readonly string[]).includes(name)) ?? false;
  if (!loads || files.some(isModelGraph)) return undefined;
  return ['', 'brought/'].find((folder) => files.some(({ path }) => path === `${folder}MLmodel`));
}
/** Whether whoever loads a version executes code that came in its files. */
export function executesCodeOnLoad(version: Pick<ModelVersion, 'files' | 'flavors'>): boolean {
  return pythonFolderOf(version) !== undefined;
}
/** How that is said, wherever such a version is named. */
export const executesCode = 'executes code on load';

/** How a version that was trained elsewhere is tested; what is left out the project says, or the model's own files. */
export const VersionTest = strict({
  dataset: Type.Optional(
    Type.String({ minLength: 1, maxLength: 200, description: 'a dataset, of which the newest version counts, or a digest' }),
  ),
  part: Type.Optional(Type.String({ minLength: 1, maxLength: 128, description: 'of its split; default: test' })),
  target: Type.Optional(Type.String({ minLength: 1, maxLength: 1000, description: 'the column that the model predicts' })),
  columns: Type.Optional(
    Type.Record(Type.String({ maxLength: 1000 }), Type.Array(Type.String({ maxLength: 1000 }), { minItems: 1, maxItems: 10_000 }), {
      description: 'tensor → the columns that it takes, in their order; under an empty name those of the only tensor',
    }),
  ),
  task: Type.Optional(Task),
  classes: Type.Optional(
    Type.Array(Type.String({ maxLength: 1000 }), { minItems: 2, maxItems: 1000, description: 'in the order of the model’s probabilities' }),
  ),
  positive: Type.Optional(Type.String({ maxLength: 1000, description: 'binary: the class that scores speak of' })),
  output: Type.Optional(Type.String({ maxLength: 1000, description: 'the output that says probabilities, or the prediction' })),
});
export type VersionTest = Static<typeof VersionTest>;

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
