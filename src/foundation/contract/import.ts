import { Type, type Static } from 'typebox';
import { Actor, Id, Instant, oneOf, strict } from './common.ts';

export const importKinds = ['mlflow', 'tensorboard', 'wandb', 'dvclive'] as const;
export const importStates = ['running', 'finished', 'cancelled', 'failed', 'interrupted'] as const;

/** What an import counts, in the order in which it is read. */
export const importedRecords = [
  'experiments',
  'runs',
  'parameters',
  'tags',
  'points',
  'datasets',
  'artifacts',
  'models',
  'versions',
  'aliases',
] as const;
export type ImportedRecord = (typeof importedRecords)[number];

export const ImportCount = strict({
  read: Type.Integer({ minimum: 0, description: 'found at the source' }),
  imported: Type.Integer({ minimum: 0 }),
  present: Type.Integer({ minimum: 0, description: 'here already, from an earlier import' }),
  refused: Type.Integer({ minimum: 0, description: 'could not be taken; `refusals` says why' }),
});
export type ImportCount = Static<typeof ImportCount>;

/** Records of another tool on their way into Gyre, or brought in. */
export const RecordImport = strict({
  id: Id,
  kind: oneOf(importKinds),
  source: Type.String({ description: 'where they come from; never with a password in it' }),
  state: oneOf(importStates, { description: '`interrupted`: the platform ended; the same import, begun again, goes on' }),
  counts: Type.Record(Type.String(), ImportCount, { description: 'by what it is: experiments, runs, points, …' }),
  refusals: Type.Array(strict({ what: Type.String(), why: Type.String() }), { description: 'the first 200 things that were refused' }),
  error: Type.Optional(Type.String({ description: 'why it failed' })),
  startedAt: Instant,
  finishedAt: Type.Optional(Instant),
  by: Actor,
});
export type RecordImport = Static<typeof RecordImport>;

/** What is to be imported. */
export const StartImport = strict({
  kind: oneOf(importKinds),
  source: Type.String({
    minLength: 1,
    maxLength: 4096,
    description: 'on the machine of the platform: a folder or a database file; or the address of a server or a PostgreSQL database',
  }),
  artifacts: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 4096,
      description:
        'folder in which an MLflow server keeps `mlflow-artifacts:/`, or other files that the records name (of wandb: saved files and artifacts): outside of it and of the source none is read',
    }),
  ),
  token: Type.Optional(Type.String({ minLength: 1, maxLength: 4096, description: 'for a server; it is not kept' })),
  experiment: Type.Optional(
    Type.String({ minLength: 1, maxLength: 256, description: 'the experiment that the runs go to; not of MLflow, whose runs have one' }),
  ),
  watch: Type.Optional(Type.Boolean({ description: 'of TensorBoard: go on with what is written, until it is cancelled' })),
});
export type StartImport = Static<typeof StartImport>;
