import { Type, type Static } from 'typebox';
import { Actor, Digest, Id, Instant, Name, oneOf, strict } from './common.ts';
import { InputColumn, Task } from './features.ts';

/** What a model takes and gives: named raw columns in, tensors of the Open Inference Protocol out. */
export const Signature = strict({
  task: Task,
  inputs: Type.Array(InputColumn),
  outputs: Type.Array(strict({ name: Type.String(), datatype: Type.String(), shape: Type.Array(Type.Integer()) })),
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
  model: Name,
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
export const ModelVersion = strict({
  id: Id,
  model: Name,
  version: Type.Integer({ minimum: 1 }),
  package: Digest,
  files: Type.Array(PackageFile),
  signature: Signature,
  run: Id,
  testReport: Type.Optional(Id),
  testsPassed: Type.Boolean(),
  charter: Digest,
  aliases: Type.Array(Name),
  tags: Type.Record(Type.String(), Type.String()),
  createdAt: Instant,
  createdBy: Actor,
});
export type ModelVersion = Static<typeof ModelVersion>;

export const aliasNames = ['candidate', 'champion'] as const;
export const RegisteredModel = strict({
  name: Name,
  description: Type.String(),
  createdAt: Instant,
  latest: Type.Optional(Type.Integer()),
});
export type RegisteredModel = Static<typeof RegisteredModel>;
export const AliasChange = strict({ alias: oneOf(aliasNames), version: Type.Integer({ minimum: 1 }) });
