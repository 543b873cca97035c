import { Type, type Static } from 'typebox';
import { Actor, Digest, Instant, Name, oneOf, strict } from './common.ts';

/** Whether a threshold of success can be reached, judged by a quick model: met, within reach (in its interval), or beyond it. */
export const feasibilityVerdicts = ['met', 'within reach', 'beyond the baseline'] as const;

/** What a quick model makes of a sample, against the charter's thresholds. */
export const Feasibility = strict({
  dataset: Digest,
  target: Type.String(),
  task: oneOf(['binary', 'multiclass', 'regression']),
  /** Of the version, of the sample, and of its two parts. */
  rows: Type.Integer(),
  sampled: Type.Integer(),
  trained: Type.Integer(),
  tested: Type.Integer(),
  columns: Type.Array(Type.String(), { description: 'what the model learned from' }),
  left: Type.Array(Type.String(), { description: 'columns that it did not look at: texts with too many values' }),
  metrics: Type.Array(
    strict({
      metric: Type.String(),
      threshold: Type.String(),
      value: Type.Number(),
      low: Type.Number(),
      high: Type.Number(),
      naive: Type.Union([Type.Number(), Type.Null()], { description: 'of the commonest class, or of the mean' }),
      verdict: oneOf(feasibilityVerdicts),
    }),
  ),
  unmeasured: Type.Array(Type.String(), { description: 'thresholds on metrics that the baseline has no value for' }),
  cost: strict({
    halfMs: Type.Number({ description: 'fitting on half of the training sample' }),
    wholeMs: Type.Number({ description: 'fitting on all of it' }),
    estimatedMs: Type.Number({ description: 'fitting on 70 % of all rows, if time goes on growing as from the half to the whole' }),
    sampleBytes: Type.Integer({ description: 'memory of the sample and its features' }),
    estimatedBytes: Type.Integer({ description: 'of all rows, if memory grows with them' }),
  }),
});
export type Feasibility = Static<typeof Feasibility>;

/** Somebody agreed to a charter, word for word, and to the data that it rests on. */
export const CharterConfirmation = strict({
  project: Name,
  charter: Type.String({ description: 'digest of the charter' }),
  data: Type.Record(Name, Digest, { description: 'dataset → version that was the newest one' }),
  by: Actor,
  comment: Type.Optional(Type.String()),
  confirmedAt: Instant,
});
export type CharterConfirmation = Static<typeof CharterConfirmation>;

export const charterDocumentNames = ['problem-statement', 'project-charter', 'initial-data-report'] as const;

/** Phase zero in three documents, and who agreed to them. */
export const CharterDocuments = strict({
  charter: Type.String({ description: 'digest of the charter as the project’s file has it' }),
  version: Type.Optional(Type.Integer({ description: 'of the charter, once these words were recorded' })),
  documents: Type.Array(strict({ name: oneOf(charterDocumentNames), title: Type.String(), markdown: Type.String() })),
  missing: Type.Array(strict({ what: Type.String(), add: Type.String({ description: 'the line of gyre.yaml, or the command' }) }), {
    description: 'what the documents cannot say, because nobody has said it',
  }),
  confirmed: Type.Boolean({ description: 'whether somebody confirmed these very words' }),
  dataChanged: Type.Array(Name, { description: 'datasets that have another newest version than when it was confirmed last' }),
  confirmations: Type.Array(CharterConfirmation, { description: 'newest first, of earlier words too' }),
});
export type CharterDocuments = Static<typeof CharterDocuments>;
