import { Type, type Static } from 'typebox';
import { Duration, Name, oneOf, strict } from './common.ts';
import { CiSpec } from './ci.ts';
import { ApplicationTestSpec } from './application-test-spec.ts';
import { EnvironmentSpec } from './environment-spec.ts';
import { ExecutionSpec } from './execution.ts';
import { imageFits, imageKernels } from './features.ts';
import { FilesSource } from './files-source.ts';
import { ImageSource } from './image-source.ts';
import { DialectSpec, QuerySource, TimestampOrder } from './table-source.ts';
import { JoinSource } from './join.ts';
import { ServeLimits } from './release.ts';
import { riskLevels } from './risk.ts';
import { LogPolicy } from './log-policy.ts';
import { QualitySpec } from './quality.ts';
import { ScheduleSpec } from './schedule.ts';
import { BatchScheduleSpec } from './batch-schedule.ts';
import { SplitSpec } from './split.ts';

/*
 * The shape of `gyre.yaml`. Each section is the part of one room; this file and its neighbours are the one schema
 * from which messages, types and the published JSON Schema come.
 */

/** A condition on a number: ">= 0.83", "<= 0.1", "> 0", "< 5". */
export const Threshold = Type.String({ pattern: '^\\s*(>=|<=|>|<)\\s*-?[0-9]*\\.?[0-9]+\\s*$', description: 'such as ">= 0.83"' });
const Statement = strict({
  text: Type.String({ minLength: 1 }),
  reason: Type.String({ minLength: 1 }),
  author: Type.String({ minLength: 1 }),
  date: Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$', description: 'YYYY-MM-DD' }),
});

export const Charter = strict({
  problem: Type.String({ minLength: 1, description: 'what is to be decided better, and for whom' }),
  owner: Type.String({ minLength: 1 }),
  stakeholders: Type.Optional(Type.Array(Type.String())),
  scope: Type.Optional(strict({ in: Type.Optional(Type.Array(Type.String())), out: Type.Optional(Type.Array(Type.String())) })),
  timeline: Type.Optional(Type.Record(Type.String(), Type.String())),
  constraints: Type.Optional(Type.Array(Type.String())),
  kpis: Type.Optional(Type.Array(strict({ name: Type.String(), target: Type.String(), measuredBy: Type.Optional(Type.String()) }))),
  success: Type.Record(Type.String(), Threshold, {
    description: 'metric → threshold; gates and monitors use these very ones; a project without trainers may leave it out',
    default: {},
  }),
  risk: Type.Optional(oneOf(riskLevels)),
  assumptions: Type.Optional(Type.Array(Statement)),
  decisions: Type.Optional(Type.Array(Statement)),
  personalData: Type.Optional(
    strict({
      columns: Type.Array(Type.String()),
      purpose: Type.String(),
      legalBasis: Type.String(),
      retention: Type.Optional(Type.String()),
    }),
  ),
});
export type Charter = Static<typeof Charter>;

export const DatasetSpec = strict({
  source: Type.Union([
    Type.String({
      minLength: 1,
      description:
        'relative to gyre.yaml: a file (CSV, TSV, JSON Lines, also .gz; Parquet), a pattern of Parquet files or a folder of them, or, with a slash at its end, a folder of images; or an address: https://…, s3://…',
    }),
    ImageSource,
    FilesSource,
    JoinSource,
    ...QuerySource.anyOf,
  ]),
  key: Type.Optional(
    Type.String({
      minLength: 1,
      description: 'the column that names a row; a row’s part depends on it alone; without it all values of a row together name it',
    }),
  ),
  expect: Type.Optional(Type.String({ description: 'the reviewed schema file' })),
  where: Type.Optional(Type.String({ description: 'keep only these rows: a comparison, such as "tenure > 0"' })),
  watermark: Type.Optional(
    Type.String({ minLength: 1, description: 'a column that rises: only rows beyond its greatest value so far are read, and appended' }),
  ),
  dialect: Type.Optional(DialectSpec),
  timestamps: Type.Optional(TimestampOrder),
  schedule: Type.Optional(ScheduleSpec),
  asOf: Type.Optional(Type.String({ description: 'the day that the data speak of, YYYY-MM-DD' })),
  maxAge: Type.Optional(Duration),
  target: Type.Optional(Type.String({ description: 'column whose association with the others is profiled' })),
  split: Type.Optional(SplitSpec),
  quality: Type.Optional(QualitySpec),
});
export type DatasetSpec = Static<typeof DatasetSpec>;

/** Transforms of one column, in the order in which they are applied. */
export const ColumnTransforms = strict({
  impute: Type.Optional(
    Type.Union([
      oneOf(['median', 'mean', 'most_frequent', 'missing', 'none']),
      strict({ constant: Type.Union([Type.Number(), Type.String()]) }),
    ]),
  ),
  clip: Type.Optional(
    strict(
      { lower: Type.Number({ minimum: 0, maximum: 1 }), upper: Type.Number({ minimum: 0, maximum: 1 }) },
      { description: 'quantiles: training rows beyond them are outliers and are clipped; inference lets every row through' },
    ),
  ),
  scale: Type.Optional(oneOf(['standard', 'minmax', 'none'])),
  encode: Type.Optional(oneOf(['one_hot', 'ordinal', 'target'])),
  minFrequency: Type.Optional(Type.Integer({ minimum: 1, description: 'categories seen less often are encoded together as other' })),
});
export type ColumnTransforms = Static<typeof ColumnTransforms>;

const PerChannel = Type.Union([Type.Number(), Type.Tuple([Type.Number(), Type.Number(), Type.Number()])], {
  description:
    'the network takes (pixel - mean) / std of each channel, pixels being 0 to 255; one number stands for all three; default 0 and 1',
});

/** Features of pictures: what a network that was trained before gives for each; it is not trained further. */
export const ImageTransform = strict({
  backbone: Type.String({ minLength: 1, description: 'an ONNX graph of pictures in planes [N, 3, height, width], relative to gyre.yaml' }),
  output: Type.Optional(Type.String({ minLength: 1, description: 'the output [N, features] to take; default: features, or its only one' })),
  width: Type.Integer({ minimum: 1, maximum: 4096, description: 'pixels that the network takes' }),
  height: Type.Integer({ minimum: 1, maximum: 4096 }),
  fit: Type.Optional(oneOf(imageFits, { description: 'default cover: the middle is cut out, nothing is distorted' })),
  kernel: Type.Optional(oneOf(imageKernels, { description: 'default bilinear' })),
  mean: Type.Optional(PerChannel),
  std: Type.Optional(PerChannel),
});
export type ImageTransform = Static<typeof ImageTransform>;

export const TransformStep = strict({
  of: Name,
  target: Type.String({ minLength: 1 }),
  positive: Type.Optional(Type.String({ description: 'the class that the probability speaks of (binary)' })),
  task: Type.Optional(oneOf(['binary', 'multiclass', 'regression'])),
  transform: strict({
    exclude: Type.Optional(Type.Array(Type.String())),
    derive: Type.Optional(Type.Record(Type.String(), Type.String(), { description: 'feature → expression over columns' })),
    numeric: Type.Optional(ColumnTransforms),
    categorical: Type.Optional(ColumnTransforms),
    columns: Type.Optional(Type.Record(Type.String(), ColumnTransforms)),
    pca: Type.Optional(strict({ columns: Type.Array(Type.String(), { minItems: 2 }), components: Type.Integer({ minimum: 1 }) })),
    image: Type.Optional(ImageTransform),
  }),
});
export type TransformStep = Static<typeof TransformStep>;

const Scalar = Type.Union([Type.Number(), Type.String(), Type.Boolean()]);
/** One axis of a search space: a list of choices, or a range. */
export const SearchAxis = Type.Union([
  Type.Array(Scalar, { minItems: 1 }),
  strict({ uniform: Type.Tuple([Type.Number(), Type.Number()]) }),
  strict({ log: Type.Tuple([Type.Number(), Type.Number()]) }),
  strict({ integer: Type.Tuple([Type.Integer(), Type.Integer()]) }),
]);
export type SearchAxis = Static<typeof SearchAxis>;
export const SearchSpec = strict({
  algorithm: oneOf(['grid', 'random']),
  trials: Type.Optional(Type.Integer({ minimum: 1, maximum: 10000 })),
  space: Type.Record(Type.String(), SearchAxis),
});
export type SearchSpec = Static<typeof SearchSpec>;
export const TrainStep = strict({
  trainer: oneOf(['logistic', 'linear', 'gbdt']),
  of: Name,
  params: Type.Optional(Type.Record(Type.String(), Scalar)),
  search: Type.Optional(SearchSpec),
  metric: Type.Optional(Type.String({ description: 'what the search and the choice of trainer optimise on the validation part' })),
  seed: Type.Optional(Type.Integer({ minimum: 0 })),
});
export type TrainStep = Static<typeof TrainStep>;

/** A step in any language: a process that reads its inputs and writes its outputs as files. */
export const CommandStep = strict({
  run: Type.String({ minLength: 1 }),
  deps: Type.Optional(Type.Array(Type.String())),
  params: Type.Optional(Type.Record(Type.String(), Scalar)),
  outs: Type.Optional(Type.Array(Type.String(), { description: 'of a step with items: one path an item, such as "thumbs/{stem}.png"' })),
  env: Type.Optional(
    Type.Record(Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]*$' }), Type.String(), {
      description: 'environment variables that results depend on; no secrets: they are kept with the run',
    }),
  ),
  after: Type.Optional(Type.Array(Name)),
  timeout: Type.Optional(Duration),
  per_file: Type.Optional(Type.String({ minLength: 1, description: 'a glob: each file that it matches is an item of its own' })),
  group: Type.Optional(
    Type.String({ minLength: 1, description: 'a glob with names in braces: files for which they stand for the same are one item' }),
  ),
  batch: Type.Optional(Type.Integer({ minimum: 1, maximum: 10000, description: 'how many items one process is given; default 1' })),
  parallel: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 256, description: 'how many processes at a time; default: the workers setting' }),
  ),
  retries: Type.Optional(Type.Integer({ minimum: 0, maximum: 20, description: 'how often an item that failed is tried again; default 2' })),
  on_error: Type.Optional(oneOf(['continue', 'stop'], { description: 'after an item has failed for good; default continue' })),
  allow_failed: Type.Optional(
    Type.Union([Type.Integer({ minimum: 0 }), Type.String({ pattern: '^[0-9]+(\\.[0-9]+)?%$' })], {
      description: 'so many items may fail, as a number or a share ("1%"), and the step still succeeds; default 0',
    }),
  ),
});
export type CommandStep = Static<typeof CommandStep>;
export const StepSpec = Type.Union([TransformStep, TrainStep, CommandStep]);
export type StepSpec = Static<typeof StepSpec>;

export const TestSpec = strict({
  gates: Type.Optional(
    Type.Array(Type.String(), {
      description:
        'such as "roc_auc >= 0.83", "accuracy by Contract >= 0.70", or "roc_auc on newest >= 0.8" (a validation set); the charter’s thresholds always count',
    }),
  ),
  slices: Type.Optional(Type.Array(Type.String(), { description: 'columns by whose values metrics are reported' })),
  threshold: Type.Optional(
    Type.Union([Type.Number({ minimum: 0, maximum: 1 }), oneOf(['max_f1', 'max_accuracy', 'youden'])], {
      description: 'decision threshold, or how it is chosen on the validation part',
    }),
  ),
});
export type TestSpec = Static<typeof TestSpec>;

export const ReleaseSpec = strict({
  environments: Type.Optional(Type.Record(Name, EnvironmentSpec, { description: 'in order; the first is where application tests run' })),
  tests: Type.Optional(ApplicationTestSpec),
  policy: Type.Optional(
    Type.String({ minLength: 1, description: 'the release policy, by its name, where none applies by itself at the charter’s risk level' }),
  ),
});
export type ReleaseSpec = Static<typeof ReleaseSpec>;

/** Models that have no ONNX graph: Python loads them, which executes code from their packages. */
export const PythonServing = strict({
  enabled: Type.Boolean({ description: 'whether data planes may load models that execute code on load' }),
  environments: Type.Optional(
    oneOf(['existing', 'create'], {
      description:
        'existing: `python` has what the models need; create: an environment is installed from each lock, by uv, or by venv and pip',
    }),
  ),
  python: Type.Optional(Type.String({ minLength: 1, description: 'the interpreter' })),
  processes: Type.Optional(Type.Integer({ minimum: 1, maximum: 64, description: 'for each model; default 1' })),
  memoryMiB: Type.Optional(Type.Integer({ minimum: 64, description: 'memory that a process may ask for' })),
  openFiles: Type.Optional(Type.Integer({ minimum: 32, description: 'default 1024' })),
  userProcesses: Type.Optional(
    Type.Integer({ minimum: 1, description: 'processes and threads of the user that it runs as, all together' }),
  ),
  cpuSeconds: Type.Optional(Type.Integer({ minimum: 1, description: 'processor time of a process; then it is started again' })),
  loadTimeoutMs: Type.Optional(Type.Integer({ minimum: 100, description: 'default 120000' })),
  runTimeoutMs: Type.Optional(
    Type.Integer({ minimum: 10, description: 'a run that takes longer is given up with its process; default 60000' }),
  ),
});
export type PythonServing = Static<typeof PythonServing>;

export const ServeSpec = strict({
  endpoint: Name,
  maxBodyBytes: Type.Optional(Type.Integer({ minimum: 1024 })),
  timeoutMs: Type.Optional(
    Type.Integer({
      minimum: 1,
      description: 'a request that was not answered so long after it arrived is answered 504; callers may ask for less',
    }),
  ),
  maxConcurrent: ServeLimits.properties.maxConcurrent,
  rate: ServeLimits.properties.rate,
  log: Type.Optional(Type.Partial(LogPolicy, { additionalProperties: false, description: 'what the prediction log keeps' })),
  execution: Type.Optional(ExecutionSpec),
  python: Type.Optional(PythonServing),
  batch: Type.Optional(
    Type.Record(Name, BatchScheduleSpec, { description: 'tables that are predicted by the clock, while `gyre up` runs' }),
  ),
  explain: Type.Optional(
    strict({
      timeoutMs: Type.Optional(
        Type.Integer({ minimum: 1, description: 'the same for explanations, which have a thread of their own (default: 5000)' }),
      ),
    }),
  ),
  outliers: Type.Optional(
    strict({
      method: Type.Optional(
        oneOf(['isolation_forest', 'mahalanobis', 'none'], {
          description:
            'what is fitted to the training rows when a version is packed; mahalanobis looks at numbers alone (default: isolation_forest)',
        }),
      ),
      quantile: Type.Optional(
        Type.Number({
          exclusiveMinimum: 0,
          exclusiveMaximum: 1,
          description: 'the share of training rows that are no outliers: their score at it is the threshold (default: 0.99)',
        }),
      ),
    }),
  ),
});
export type ServeSpec = Static<typeof ServeSpec>;

export const MonitorSpec = strict({
  window: Type.Optional(Duration),
  reference: Type.Optional(Type.String({ description: 'the part that drift is measured against; default train' })),
  minRows: Type.Optional(Type.Integer({ minimum: 1, description: 'a window with fewer rows is reported, never judged' })),
  drift: Type.Optional(
    strict({
      columns: Type.Optional(Type.Array(Type.String())),
      alpha: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 0.5, description: 'family-wise false alarm rate of a window' })),
      psi: Type.Optional(Type.Number({ exclusiveMinimum: 0, description: 'least effect size that counts' })),
    }),
  ),
  performance: Type.Optional(
    Type.Record(Type.String(), Type.String(), {
      description: 'metric → threshold on actuals, absolute (">= 0.75") or relative to the test report (">= 0.95 of test")',
    }),
  ),
  latencyP99Ms: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
  onAlert: Type.Optional(Type.Array(oneOf(['notify', 'retrain', 'roll_back']))),
});
export type MonitorSpec = Static<typeof MonitorSpec>;

export const RetrainSpec = strict({
  minRows: Type.Optional(Type.Integer({ minimum: 1, description: 'labelled rows since the change that a retraining waits for' })),
  testShare: Type.Optional(
    Type.Number({
      exclusiveMinimum: 0,
      exclusiveMaximum: 1,
      description: 'share of the new rows, chosen by hash of their key, that no training sees: the challenger is judged on them',
    }),
  ),
  recentWeight: Type.Optional(Type.Number({ exclusiveMinimum: 0, description: 'weight of a new row against a row of the old data' })),
});
export type RetrainSpec = Static<typeof RetrainSpec>;

export const Project = strict(
  {
    project: Name,
    description: Type.Optional(Type.String()),
    charter: Charter,
    data: Type.Record(Name, DatasetSpec),
    steps: Type.Record(Name, StepSpec, { description: 'a project of data alone may leave it out', default: {} }),
    test: Type.Optional(TestSpec),
    ci: Type.Optional(CiSpec),
    release: Type.Optional(ReleaseSpec),
    serve: Type.Optional(ServeSpec),
    monitor: Type.Optional(MonitorSpec),
    retrain: Type.Optional(RetrainSpec),
    settings: Type.Optional(Type.Record(Type.String(), Scalar, { description: 'platform settings: see `gyre config`' })),
  },
  { title: 'Gyre project', description: 'gyre.yaml' },
);
export type Project = Static<typeof Project>;

/** A version of the charter, as recorded: every change of its words is a new one. */
export const CharterVersion = strict({
  digest: Type.String(),
  version: Type.Integer(),
  project: Name,
  charter: Charter,
  recordedAt: Type.String(),
  recordedBy: Type.String(),
});
export type CharterVersion = Static<typeof CharterVersion>;
