import { Type, type Static } from 'typebox';
import { ArtifactFile, CodeVersion, Environment, Parameters } from './run.ts';
import { Digest, Id, oneOf, strict } from './common.ts';

const Where = Type.String({ description: 'below the project’s folder' });

/** The code that a run was made by. */
export const SourceCode = strict({
  ...CodeVersion.properties,
  repository: Type.Optional(Type.String({ description: 'its address, as the client that logged the run knew it' })),
  branch: Type.Optional(Type.String()),
  entryPoint: Type.Optional(Type.String({ description: 'the script, or the entry point of an MLflow project' })),
});
export type SourceCode = Static<typeof SourceCode>;

/** What a run was made from, and how it is had again. */
export const CheckoutData = strict({
  dataset: Type.String(),
  uses: Type.Array(Type.String(), { description: 'what for: train, validation, …' }),
  version: Type.Optional(Digest),
  source: Type.String({ description: 'where it came from, as it was written then' }),
  how: oneOf(['source', 'files', 'rows', 'none'], {
    description:
      '`source`: the file or files that the rows were read from; `files`: all files of a folder; `rows`: the rows as Parquet; `none`: it is not kept here',
  }),
  to: Type.Optional(Where),
  files: Type.Array(strict({ path: Where, sha256: Digest, size: Type.Integer() }), { description: 'of `source`' }),
});
export type CheckoutData = Static<typeof CheckoutData>;

/** What a run was executed in. */
export const CheckoutEnvironment = strict({
  ...Type.Partial(Environment).properties,
  files: Type.Array(
    strict({ ...ArtifactFile.properties, of: Type.Optional(Type.String({ description: 'the logged model that has it' })) }),
    {
      description: 'requirements.txt, conda.yaml, python_env.yaml, package-lock.json and their like among what the run logged',
    },
  ),
});
export type CheckoutEnvironment = Static<typeof CheckoutEnvironment>;

/** What `gyre checkout RUN` restores of a run, and what it cannot. */
export const RunCheckout = strict({
  run: Id,
  publicId: Type.String({ description: 'as MLflow’s clients know it' }),
  name: Type.String(),
  code: SourceCode,
  data: Type.Array(CheckoutData),
  parameters: Parameters,
  seed: Type.Optional(Type.Integer()),
  environment: CheckoutEnvironment,
  missing: Type.Array(Type.String(), { description: 'what cannot be restored, each with its reason' }),
  commands: Type.Array(Type.String(), { description: 'what to type to have it, and to run it again' }),
});
export type RunCheckout = Static<typeof RunCheckout>;

/** What is different in a clone of a run. */
export const RunCloneRequest = strict({
  parameters: Type.Optional(Parameters),
  seed: Type.Optional(Type.Integer({ minimum: 0, description: 'default: the run’s own' })),
  name: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
});
export type RunCloneRequest = Static<typeof RunCloneRequest>;

/** What became of a clone. */
export const RunClone = strict({
  how: oneOf(['executed', 'opened'], {
    description:
      '`executed`: a pipeline run trains it; `opened`: its record waits for the script that made the first run, which is not run from here',
  }),
  pipelineRun: Type.Optional(Id),
  run: Type.Optional(Id),
  commands: Type.Array(Type.String(), {
    description: 'of a record that was opened: what to type, with MLFLOW_TRACKING_URI set to this server',
  }),
});
export type RunClone = Static<typeof RunClone>;
