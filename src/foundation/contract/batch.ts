import { Type, type Static } from 'typebox';
import { Actor, Digest, Id, Instant, ModelName, Name, oneOf, strict } from './common.ts';

const Column = Type.String({ minLength: 1, maxLength: 1000 });
const Columns = Type.Array(Column, { maxItems: 10_000 });
const Place = Type.String({ minLength: 1, maxLength: 4096 });

export const existingOutputs = ['refuse', 'replace', 'append'] as const;

/** A table to predict, as people ask for it. */
export const BatchRequestBody = strict({
  model: Type.String({
    minLength: 1,
    maxLength: 300,
    description:
      'a registered model: churn (its newest version), churn/3, churn@champion, models:/churn/3; environment:production for what is live there',
  }),
  input: Type.String({
    minLength: 1,
    maxLength: 4096,
    description:
      'where the rows are: dataset:NAME or dataset:DIGEST, a file or folder in the project’s folder, https://, s3://, postgres://, mysql://, sqlite:FILE',
  }),
  query: Type.Optional(Type.String({ minLength: 1, maxLength: 100_000, description: 'what is asked of a database' })),
  fromTable: Type.Optional(Column),
  dataset: Type.Optional(Name),
  output: Type.Optional({
    ...Place,
    description:
      'where the predictions are written besides: a .parquet, .csv or .jsonl file or a folder/ in the project’s folder, s3://, postgres://, sqlite:FILE',
  }),
  toTable: Type.Optional(Column),
  existing: Type.Optional(oneOf(existingOutputs, { description: 'what becomes of an output that is there already; default: refuse' })),
  partitionBy: Type.Optional(Columns),
  columns: Type.Optional({ ...Columns, description: 'columns of the input that go along; all without it' }),
  features: Type.Optional({ ...Columns, description: 'columns that fill the one wide tensor of a graph that names none' }),
  ids: Type.Optional(Type.Boolean({ description: 'a prediction id for each row' })),
  prefix: Type.Optional(Type.String({ maxLength: 100, description: 'before the names of added columns; default: prediction_' })),
  maxFailed: Type.Optional(
    Type.Number({ minimum: 0, maximum: 1, description: 'nothing is published when a larger share of rows fails; without it when all do' }),
  ),
  delimiter: Type.Optional(oneOf([',', ';', '\t', '|'])),
});
export type BatchRequestBody = Static<typeof BatchRequestBody>;

export const batchStates = ['queued', 'running', 'finished', 'failed', 'cancelled'] as const;
const Count = Type.Integer({ minimum: 0 });

/** A prediction of a whole table, and what came of it. `rows` is always `predicted` + `failed`. */
export const BatchPrediction = strict({
  id: Id,
  state: oneOf(batchStates),
  schedule: Type.Optional(
    strict({
      name: Name,
      due: Type.Optional(Type.String({ format: 'date-time', description: 'absent when it was run out of turn' })),
      until: Type.String({ format: 'date-time', description: 'what {until} stood for, and {since} in the next run that comes after it' }),
    }),
  ),
  reason: Type.Optional(Type.String({ description: 'why it was begun, where no person began it by hand' })),
  request: BatchRequestBody,
  model: strict({ id: Id, name: ModelName, version: Type.Integer({ minimum: 1 }), package: Digest }),
  input: strict({ address: Type.String(), version: Type.Optional(Digest), sha256: Type.Optional(Digest) }),
  /** The dataset that the predictions are a version of. */
  dataset: strict({ name: Name, version: Type.Optional(Digest) }),
  output: Type.Optional(Type.String({ description: 'where they were written besides, without secrets' })),
  progress: Type.Optional(strict({ phase: oneOf(['reading', 'predicting', 'writing']), rows: Count, of: Count, failed: Count })),
  rows: Type.Optional(Count),
  predicted: Type.Optional(Count),
  failed: Type.Optional(Count),
  failures: Type.Optional(
    Type.Array(strict({ reason: Type.String(), rows: Count }), { description: 'why rows failed, the commonest reasons first' }),
  ),
  plan: Type.Optional(Digest),
  error: Type.Optional(Type.String()),
  code: Type.Optional(Type.String()),
  queuedAt: Instant,
  startedAt: Type.Optional(Instant),
  finishedAt: Type.Optional(Instant),
  by: Actor,
});
export type BatchPrediction = Static<typeof BatchPrediction>;
