import { Type, type Static } from 'typebox';
import { Digest, Id, Instant, Name, oneOf, strict } from './common.ts';
import { CheckLimits } from './table-schema.ts';

export const qualityCharacteristics = ['accuracy', 'completeness', 'reliability', 'relevance', 'timeliness'] as const;
export const qualityOutcomes = ['pass', 'warn', 'fail', 'unmeasured'] as const;
export const QualityOutcome = oneOf(qualityOutcomes, { description: '`unmeasured`: could not be judged, the message says why' });
export type QualityOutcome = Static<typeof QualityOutcome>;

const Score = Type.Union([Type.Number({ minimum: 0, maximum: 1 }), Type.Null()], {
  description: 'null: not measurable, the message says why',
});

export const FailingExample = strict({
  row: Type.Optional(Type.Integer({ description: 'row number in the source, the header being line 1' })),
  column: Type.Optional(Type.String()),
  value: Type.Union([Type.String(), Type.Number(), Type.Null()]),
  note: Type.Optional(Type.String({ description: 'what else there is to say of this row' })),
  masked: Type.Optional(Type.Literal(true, { description: 'the column is personal: the value is not shown' })),
});
export type FailingExample = Static<typeof FailingExample>;

export const QualityCheck = strict({
  name: Type.String(),
  column: Type.Optional(Type.String({ description: 'the column that it is about, where it is one' })),
  score: Score,
  weight: Type.Number({ description: 'how much it counts in the score of its characteristic' }),
  outcome: QualityOutcome,
  limits: CheckLimits,
  message: Type.String(),
  failing: Type.Integer({ description: 'how many rows or columns fail' }),
  applied: Type.Optional(Type.Integer({ description: 'how many rows or columns were looked at' })),
  sampled: Type.Optional(Type.Integer({ description: 'the check looked at a sample of so many rows' })),
  examples: Type.Array(FailingExample),
});
export type QualityCheck = Static<typeof QualityCheck>;

const Characteristic = oneOf(qualityCharacteristics);

/** Rows that were set aside because they fail a check that counts, and the rows that go on. */
export const Quarantine = strict({
  version: Digest,
  rows: Type.Integer(),
  kept: Digest,
  keptRows: Type.Integer(),
  reasons: Type.Array(strict({ check: Type.String(), rows: Type.Integer() })),
});
export type Quarantine = Static<typeof Quarantine>;

export const QualityReport = strict({
  id: Id,
  dataset: Digest,
  rows: Type.Integer(),
  outcome: QualityOutcome,
  characteristics: Type.Array(
    strict({ name: Characteristic, score: Score, outcome: QualityOutcome, limits: CheckLimits, checks: Type.Array(QualityCheck) }),
  ),
  violations: Type.Integer({ description: 'checks and characteristics that fail' }),
  warnings: Type.Integer({ description: 'checks and characteristics that warn' }),
  quarantine: Type.Optional(Quarantine),
  createdAt: Instant,
});
export type QualityReport = Static<typeof QualityReport>;

/** One of the five characteristics, without its checks. */
export const QualityMark = strict({ name: Characteristic, score: Score, outcome: QualityOutcome });
export type QualityMark = Static<typeof QualityMark>;

/** One report in the course of a dataset's versions. */
export const QualityTrendPoint = strict({
  report: Id,
  version: Digest,
  rows: Type.Integer(),
  outcome: QualityOutcome,
  violations: Type.Integer(),
  warnings: Type.Integer(),
  scores: Type.Array(QualityMark),
  checks: Type.Array(strict({ name: Type.String(), score: Score, outcome: QualityOutcome, failing: Type.Integer() }), {
    description: 'checks that warn or fail in this report or in the one before',
  }),
  createdAt: Instant,
});
export type QualityTrendPoint = Static<typeof QualityTrendPoint>;
export const QualityTrend = strict({
  dataset: Name,
  points: Type.Array(QualityTrendPoint, { description: 'the newest report of each version, oldest version first' }),
});
export type QualityTrend = Static<typeof QualityTrend>;

/** What a dataset's section of gyre.yaml says about its quality. */
const QualityCondition = Type.String({
  minLength: 1,
  description: 'a check or characteristic, such as "no leak", "missing: *", "duplicate rows >= 0.99", "reliability >= 0.9"',
});
export const QualitySpec = strict({
  fail: Type.Optional(Type.Array(QualityCondition, { description: 'what stops the pipeline; a bare name means a score below 1' })),
  warn: Type.Optional(Type.Array(QualityCondition, { description: 'what is only a warning' })),
  quarantine: Type.Optional(
    Type.Boolean({ description: 'rows that fail a check go to a side table with their reasons, the others go on; default: false' }),
  ),
  groups: Type.Optional(
    Type.Array(Type.String({ minLength: 1 }), {
      description: 'columns whose values are groups: coverage and classes are compared between them',
    }),
  ),
  places: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { description: 'columns that say where: coverage over space' })),
  near: Type.Optional(
    strict(
      {
        numbers: Type.Optional(
          Type.Number({ minimum: 0, maximum: 0.1, description: 'share of the column’s interquartile range; default: 0.001' }),
        ),
        texts: Type.Optional(
          Type.Number({ minimum: 0.8, maximum: 1, description: 'share of the longer text’s characters that agrees; default: 0.85' }),
        ),
      },
      { description: 'what counts as a small difference between rows that are otherwise alike' },
    ),
  ),
  production: Type.Optional(
    Type.String({
      pattern: '^[0-9]+(\\.[0-9]+)?(ms|s|m|h|d|w)$',
      description: 'rows are held against what the endpoint was asked in production in so long a time, such as 30d',
    }),
  ),
  population: Type.Optional(Type.String({ minLength: 1, description: 'a dataset that shows the population the rows stand for' })),
});
export type QualitySpec = Static<typeof QualitySpec>;
