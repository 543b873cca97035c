import { Type, type Static } from 'typebox';
import { Digest, Instant, oneOf, strict } from './common.ts';
import { Slice } from './test-report.ts';

/** What a report of application tests answers for, each by the checks that belong to it. */
export const requirementIds = [
  'golden',
  'consistency',
  'bad_input',
  'accuracy',
  'validation',
  'slices',
  'robustness',
  'fairness',
  'explanations',
  'load',
  'saturation',
  'soak',
  'footprint',
  'production',
  'comparison',
] as const;
export type RequirementId = (typeof requirementIds)[number];

export const Requirement = strict({
  id: oneOf(requirementIds),
  title: Type.String(),
  verdict: oneOf(['passed', 'failed', 'not_asked'], {
    description: 'not_asked: the project says nothing of it, or the profile leaves it out; what was measured is shown all the same',
  }),
  says: Type.String({ description: 'in one sentence: what was found, or why nothing was' }),
  checks: Type.Array(Type.String(), { description: 'names of the checks that it rests on' }),
});
export type Requirement = Static<typeof Requirement>;

/** A row as it was sent: personal inputs masked, pictures left out. */
const SentRow = Type.Record(Type.String(), Type.Union([Type.Number(), Type.String(), Type.Boolean(), Type.Null()]));

/** What an endpoint said of a row: the class and its probability, or the value. */
export const Said = strict({ label: Type.Optional(Type.String()), score: Type.Union([Type.Number(), Type.Null()]) });
export type Said = Static<typeof Said>;

/** A row with which something is wrong, or the most: for a person to look at. */
export const WorstCase = strict({
  row: Type.Integer({ description: 'its place among the rows that were sent, from 0' }),
  before: Said,
  after: Said,
  difference: Type.Number({ description: 'between the two: of the probability of what was said before, or of the value' }),
  inputs: SentRow,
});
export type WorstCase = Static<typeof WorstCase>;

/** What became of answers when the same rows were sent with something changed. */
export const RobustnessFinding = strict({
  perturbation: Type.String({ description: 'such as "noise"' }),
  says: Type.String({ description: 'what was changed' }),
  rows: Type.Integer(),
  changed: Type.Optional(
    Type.Number({
      description:
        'share of the rows that were answered whose class became another; for regression, whose value moved by more than a tenth of its spread. Absent where none was answered',
    }),
  ),
  largest: Type.Number({ description: 'the largest difference of a probability, or of a value' }),
  metric: Type.Optional(strict({ name: Type.String(), before: Type.Number(), after: Type.Number() })),
  unanswered: Type.Integer({ description: 'rows that were answered with an error of the server, or with no number' }),
  refused: Type.Integer({ description: 'rows that were answered with 4xx: said to be wrong, not guessed at' }),
  worst: Type.Array(WorstCase),
});
export type RobustnessFinding = Static<typeof RobustnessFinding>;

/** A row on which the endpoint was wrong, the surest first. */
export const ErrorCase = strict({
  row: Type.Integer(),
  said: Said,
  truth: Type.Union([Type.Number(), Type.String()]),
  inputs: SentRow,
});
export type ErrorCase = Static<typeof ErrorCase>;

export const LoadPoint = strict({
  offeredPerSecond: Type.Number(),
  requests: Type.Integer(),
  errors: Type.Integer(),
  p50Ms: Type.Number(),
  p99Ms: Type.Number(),
  lateP99Ms: Type.Number({ description: 'how late the generator was itself' }),
  broken: Type.Optional(Type.String({ description: 'why this rate is too much' })),
});
export type LoadPoint = Static<typeof LoadPoint>;

export const SaturationFinding = strict({
  points: Type.Array(LoadPoint, { description: 'in the order in which they were measured' }),
  sustainedPerSecond: Type.Optional(Type.Number({ description: 'the highest rate that was borne' })),
  brokenPerSecond: Type.Optional(Type.Number({ description: 'the lowest rate that was too much' })),
  latencyP99Ms: Type.Number({ description: 'the target' }),
});
export type SaturationFinding = Static<typeof SaturationFinding>;

export const SoakFinding = strict({
  durationMs: Type.Number(),
  ratePerSecond: Type.Number(),
  requests: Type.Integer(),
  errors: Type.Integer(),
  p99Ms: Type.Number(),
  memory: Type.Array(strict({ atMs: Type.Number(), residentMiB: Type.Number() }), {
    description: 'resident memory of the data plane and its children',
  }),
  growthMiBPerHour: Type.Optional(Type.Number({ description: 'by least squares over the second half; the first warms up' })),
  grewMiB: Type.Optional(Type.Number({ description: 'the same line over the time that it was measured' })),
});
export type SoakFinding = Static<typeof SoakFinding>;

export const FootprintFinding = strict({
  startMs: Type.Number({ description: 'from the start of the process until it was ready' }),
  residentMiB: Type.Optional(Type.Number({ description: 'of a plane that has just answered its first requests' })),
  packageMiB: Type.Number(),
});
export type FootprintFinding = Static<typeof FootprintFinding>;

/** The version that is tested against the one in production, on the same requests. */
export const ProductionComparison = strict({
  modelVersion: Type.String(),
  rows: Type.Integer(),
  changed: Type.Number({
    description: 'share of rows that get another class; for regression, a value apart by more than a tenth of its spread',
  }),
  largest: Type.Number(),
  metric: Type.Optional(strict({ name: Type.String(), production: Type.Number(), candidate: Type.Number() })),
  worst: Type.Array(WorstCase, { description: 'before: production; after: the version that is tested. Worst first' }),
  p99Ms: Type.Optional(strict({ production: Type.Number(), candidate: Type.Number() })),
});
export type ProductionComparison = Static<typeof ProductionComparison>;

/** How good a version is on a further dataset, over the network. */
export const ValidationFinding = strict({
  name: Type.String({ description: 'the validation set of the split, or the dataset' }),
  dataset: Digest,
  rows: Type.Integer({ description: 'that were sent' }),
  leftOut: Type.Optional(Type.Integer({ description: 'rows whose key the model has learned from' })),
  metrics: Type.Record(Type.String(), Type.Number()),
  slices: Type.Array(Slice),
  errors: Type.Array(ErrorCase, { description: 'the surest first' }),
});
export type ValidationFinding = Static<typeof ValidationFinding>;

/** Requests that production was sent, asked again of the version that is tested. */
export const ProductionFinding = strict({
  logged: Type.Integer({ description: 'the newest requests that rows were drawn from' }),
  rows: Type.Integer(),
  groups: Type.Integer({ description: 'that rows were drawn from in turn: what was answered, and the values of each slice' }),
  from: Instant,
  to: Instant,
  exchanged: Type.Array(Type.String(), {
    description: 'inputs that are masked or tell of a person: their values are those of rows of the test report',
  }),
  refused: Type.Integer({ description: 'rows that are answered with 4xx' }),
  unanswered: Type.Integer({ description: 'rows that are answered with an error of the server, or with no number' }),
  largest: Type.Number({ description: 'the largest difference from the model’s own output' }),
  comparison: Type.Optional(ProductionComparison),
  labelled: Type.Integer({ description: 'rows of which it is known by now what was true; the metric of the comparison is of these' }),
});
export type ProductionFinding = Static<typeof ProductionFinding>;

export const ExplanationsFinding = strict({
  rows: Type.Integer(),
  repeated: Type.Number({ description: 'the largest difference of a contribution when the same rows were explained twice' }),
  agreement: Type.Optional(
    Type.Number({
      description: 'median over rows: rank correlation of the sizes of contributions with those of a row that differs by a little noise',
    }),
  ),
  leastAgreement: Type.Optional(Type.Number()),
});
export type ExplanationsFinding = Static<typeof ExplanationsFinding>;

export const testProfiles = ['quick', 'full'] as const;
export type TestProfile = (typeof testProfiles)[number];
