import { Type, type Static } from 'typebox';
import { Actor, Digest, Id, Instant, Interval, Measured, ModelName, Name, oneOf, strict } from './common.ts';
import { deploymentStates } from './release.ts';
import { Comparison } from './test-report.ts';

/** What two releases are compared in, in the order in which a reader asks. */
export const releaseDiffParts = [
  'model',
  'data',
  'code',
  'parameters',
  'signature',
  'gates',
  'application_tests',
  'sign_off',
  'settings',
  'engine',
  'package',
] as const;
export type ReleaseDiffPart = (typeof releaseDiffParts)[number];

/** One of two releases: a version, and where it was deployed the deployment. */
export const ReleaseSide = strict({
  title: Type.String(),
  modelVersion: Id,
  model: ModelName,
  version: Type.Integer(),
  createdBy: Actor,
  createdAt: Instant,
  deployment: Type.Optional(
    strict({
      id: Id,
      environment: Name,
      generation: Type.Integer(),
      state: oneOf(deploymentStates),
      reason: Type.String(),
      deployedBy: Actor,
      deployedAt: Instant,
    }),
  ),
});
export type ReleaseSide = Static<typeof ReleaseSide>;

/** One thing that is said of both; a side that says nothing of it has no text. */
export const ReleaseDiffLine = strict({
  what: Type.String(),
  from: Type.Optional(Type.String()),
  to: Type.Optional(Type.String()),
  same: Type.Boolean(),
  kind: Type.Optional(oneOf(['dataset_version', 'run', 'application_test', 'test_report'], { description: 'of which record the ids are' })),
  fromId: Type.Optional(Id),
  toId: Type.Optional(Id),
});
export type ReleaseDiffLine = Static<typeof ReleaseDiffLine>;

export const ReleaseDiffMetric = strict({
  name: Type.String(),
  from: Type.Optional(Measured),
  to: Type.Optional(Measured),
  fromInterval: Type.Optional(Interval),
  toInterval: Type.Optional(Interval),
  difference: Type.Optional(Type.Number({ description: 'from the first to the second; absent where one of them has no value' })),
  higherIsBetter: Type.Boolean(),
});
export type ReleaseDiffMetric = Static<typeof ReleaseDiffMetric>;

const JudgedOn = Type.Optional(strict({ report: Id, dataset: Digest, rows: Type.Integer() }));

/** How two releases differ. */
export const ReleaseDiff = strict({
  from: ReleaseSide,
  to: ReleaseSide,
  parts: Type.Array(
    strict({
      part: oneOf(releaseDiffParts),
      changed: Type.Integer({ description: 'how many of its lines differ' }),
      lines: Type.Array(ReleaseDiffLine, { description: 'those that differ come first' }),
      notes: Type.Array(Type.String(), { description: 'what is to be known beside them' }),
    }),
    { description: 'those in which something differs come first' },
  ),
  metrics: strict({
    sameRows: Type.Boolean({ description: 'both were judged on the same dataset version; else a difference may be that of the rows' }),
    from: JudgedOn,
    to: JudgedOn,
    items: Type.Array(ReleaseDiffMetric),
  }),
  commits: Type.Optional(
    strict(
      {
        range: Type.String({ description: 'as git takes it' }),
        items: Type.Array(strict({ commit: Type.String(), subject: Type.String(), at: Instant }), {
          description: 'those that the second has and the first has not, newest first; at most 50',
        }),
        more: Type.Boolean(),
      },
      { description: 'where both commits lie in the project’s repository' },
    ),
  ),
  paired: Type.Optional(
    strict(
      {
        comparison: Type.Optional(Comparison),
        why: Type.Optional(Type.String({ description: 'why the two cannot be compared row by row' })),
      },
      {
        description:
          'both on the same rows, that neither learned from: the first as champion, the second as challenger; only where it is asked for',
      },
    ),
  ),
});
export type ReleaseDiff = Static<typeof ReleaseDiff>;
