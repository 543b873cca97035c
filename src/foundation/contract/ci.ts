import { Type, type Static } from 'typebox';
import { Actor, Digest, Id, Instant, Interval, Measured, ModelName, Name, oneOf, strict } from './common.ts';

/** What `gyre.yaml` says of continuous integration. */
export const CiSpec = strict({
  base: Type.Optional(
    Type.String({ minLength: 1, maxLength: 255, description: 'the branch that commits are compared with; default main' }),
  ),
  mayWorsen: Type.Optional(
    Type.Record(Type.String(), Type.Number({ minimum: 0 }), {
      description: 'metric → by how much it may be worse than in the run of the base branch; a greater loss fails the commit',
    }),
  ),
});
export type CiSpec = Static<typeof CiSpec>;

/** A commit of git in full. */
export const Commit = Type.String({ pattern: '^[0-9a-f]{40}([0-9a-f]{24})?$', description: 'a commit’s name in full' });
const Branch = Type.String({ minLength: 1, maxLength: 255 });

/** A commit that is to be checked, and what it is compared with. */
export const CiRequest = strict({
  commit: Type.Optional({ ...Commit, description: 'left out: what lies in the project’s folder' }),
  dirty: Type.Optional(Type.Boolean({ description: 'files differ from the commit: only the project’s own folder can be checked so' })),
  branch: Type.Optional({ ...Branch, description: 'the branch that it is on' }),
  base: Type.Optional(
    strict({
      branch: Branch,
      commits: Type.Array(Commit, {
        maxItems: 500,
        description: 'where both branched, and before that along first parents: the first with a run on record is compared with',
      }),
    }),
  ),
  trainBase: Type.Optional(Type.Boolean({ description: 'where none has a run on record, run the first' })),
  fresh: Type.Optional(Type.Boolean({ description: 'run every step, whatever the cache holds' })),
  reason: Type.Optional(Type.String({ minLength: 1, maxLength: 2000 })),
});
export type CiRequest = Static<typeof CiRequest>;

export const ciParts = ['data', 'steps', 'gates', 'comparison'] as const;
export type CiPart = (typeof ciParts)[number];

export const CiCheck = strict({
  part: oneOf(ciParts),
  name: Type.String(),
  verdict: oneOf(['passed', 'failed', 'not_judged'], { description: 'not_judged: the message says why' }),
  message: Type.String(),
  ms: Type.Optional(Type.Integer({ description: 'how long it took, where that was measured' })),
});
export type CiCheck = Static<typeof CiCheck>;

export const CiMetric = strict({
  name: Type.String(),
  higherIsBetter: Type.Boolean(),
  base: Measured,
  here: Measured,
  difference: Type.Optional(Type.Number({ description: 'here minus base' })),
  interval: Type.Optional({ ...Interval, description: 'of the difference, by a paired bootstrap on the same rows' }),
  verdict: Type.Optional(oneOf(['better', 'worse', 'no_evidence'], { description: 'better or worse beyond chance: 0 is outside of the interval' })), // prettier-ignore
  mayWorsen: Type.Optional(Type.Number()),
});
export type CiMetric = Static<typeof CiMetric>;

/** What a commit came to. */
export const CiReport = strict({
  checks: Type.Array(CiCheck),
  base: strict({
    says: Type.String({ description: 'which run it is compared with and why, or why with none' }),
    commit: Type.Optional(Commit),
    pipelineRun: Type.Optional(Id),
    testReport: Type.Optional(Id),
    sameReport: Type.Optional(Type.Boolean({ description: 'nothing that the model depends on has changed' })),
    sameRows: Type.Optional(Type.Boolean({ description: 'both were tested on the same rows' })),
  }),
  metrics: Type.Array(CiMetric),
  slices: Type.Array(
    strict({ column: Type.String(), value: Type.String(), rows: Type.Integer(), metric: Type.String(), base: Type.Number(), here: Type.Number() }), // prettier-ignore
    { description: 'groups in which the metric fell, the greatest loss first' },
  ),
  data: Type.Array(
    strict({
      dataset: Type.String(),
      version: Digest,
      rows: Type.Integer(),
      baseVersion: Type.Optional(Digest),
      baseRows: Type.Optional(Type.Integer()),
      changes: Type.Array(Type.String(), { description: 'how it differs, in words' }),
    }),
  ),
  parameters: Type.Array(strict({ name: Type.String(), base: Type.String(), here: Type.String() })),
  steps: Type.Array(
    strict({ step: Type.String(), state: Type.String(), ms: Type.Optional(Type.Integer()), baseMs: Type.Optional(Type.Integer()) }),
  ),
  curve: Type.Optional(
    strict(
      { base: Type.Optional(Type.Array(Type.Number())), here: Type.Array(Type.Number()) },
      { description: 'true positive rate at false positive rates of 0, 0.05, … 1' },
    ),
  ),
  testReport: Type.Optional(Id),
  rows: Type.Optional(Type.Integer({ description: 'that it was tested on' })),
  modelVersion: Type.Optional(strict({ id: Id, model: ModelName, version: Type.Integer(), package: Type.Optional(Digest) })),
});
export type CiReport = Static<typeof CiReport>;

export const ciStates = ['running', 'passed', 'failed'] as const;

/** A commit that was checked, or is being checked. */
export const CiRun = strict({
  id: Id,
  project: Name,
  commit: Type.Optional(Commit),
  dirty: Type.Boolean(),
  branch: Type.Optional(Branch),
  baseBranch: Type.Optional(Branch),
  state: oneOf(ciStates),
  pipelineRun: Type.Optional(Id),
  problem: Type.Optional(Type.String({ description: 'why it could not be judged' })),
  report: Type.Optional(CiReport),
  reason: Type.String(),
  createdBy: Actor,
  createdAt: Instant,
  endedAt: Type.Optional(Instant),
});
export type CiRun = Static<typeof CiRun>;
