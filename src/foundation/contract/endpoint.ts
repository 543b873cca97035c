import { Type, type Static } from 'typebox';
import { AnswerTotals } from './answer-totals.ts';
import { Digest, ModelName, Name, oneOf, strict } from './common.ts';
import { ExecutionSpec } from './execution.ts';
import { LogPolicy } from './log-policy.ts';
import { Deployment, ServeLimits } from './release.ts';
import { ManifestRoute } from './route.ts';

const Ms = Type.Number({ minimum: 0 });
const Count = Type.Integer({ minimum: 0 });

/** What was asked in the last minute. Percentiles are within 10 % of the truth. */
export const TrafficFigures = strict({
  requests: Count,
  errors: Count,
  perSecond: Type.Number({ minimum: 0 }),
  p50Ms: Type.Optional(Ms),
  p95Ms: Type.Optional(Ms),
  p99Ms: Type.Optional(Ms),
  seconds: Type.Array(strict({ requests: Count, errors: Count }), { description: 'each of the last 60 seconds, the oldest first' }),
});
export type TrafficFigures = Static<typeof TrafficFigures>;

/** How a model of a data plane does just now. */
export const ModelFigures = strict({
  name: ModelName,
  version: Type.String(),
  package: Digest,
  weight: Type.Number({ description: 'share of the endpoint’s traffic' }),
  lane: oneOf(['inline', 'workers', 'python']),
  engine: oneOf(['gyre', 'onnxruntime', 'python'], {
    description: 'what computes its graph: Gyre itself where it gives ONNX Runtime’s bytes',
  }),
  provider: Type.String({ description: 'what computes it' }),
  maxRows: Type.Integer({ description: 'rows of one run, at most' }),
  queued: Type.Integer({ description: 'requests that wait' }),
  loadMs: Type.Number(),
  workers: Type.Integer({ description: 'worker threads that take its runs' }),
  wideWorker: Type.Boolean({
    description: 'one of them computes on all cores, for a request that is alone; it counts beside the most that a setting allows',
  }),
  workerRestarts: Type.Integer(),
  asleep: Type.Boolean({ description: 'unloaded until it is asked' }),
  memoryBytes: Type.Integer(),
  coldStarts: Type.Integer(),
  coldStartMs: Type.Optional(Type.Number({ description: 'how long the last one took' })),
  lastFailure: Type.Optional(Type.String({ description: 'why its workers or lane could not be changed the last time' })),
  python: Type.Optional(
    strict(
      {
        python: Type.String({ description: 'version' }),
        libraries: Type.Record(Type.String(), Type.String()),
        classes: Type.Optional(Type.Array(Type.String())),
        processes: Type.Integer({ description: 'that have loaded the model' }),
        restarts: Type.Integer(),
        residentBytes: Type.Integer(),
        pids: Type.Array(Type.Integer()),
      },
      { description: 'its Python processes: it executes code on load' },
    ),
  ),
  traffic: TrafficFigures,
  answers: Type.Optional(AnswerTotals),
  batches: Type.Array(strict({ rows: Type.Integer(), runs: Type.Integer() }), { description: 'runs since it was loaded, by their rows' }),
});
export type ModelFigures = Static<typeof ModelFigures>;

/** How a shadow compares with what was answered. */
export const ShadowFigures = strict({
  name: ModelName,
  version: Type.String(),
  requests: Type.Integer({ description: 'that it was asked' }),
  same: Type.Integer(),
  different: Type.Integer(),
  failed: Type.Integer(),
  dropped: Type.Integer({ description: 'requests that it was not asked, because too many waited or its manifest was replaced' }),
  meanDifference: Type.Number({ description: 'of a request’s largest difference of a probability or value' }),
  maxDifference: Type.Number(),
  meanMs: Type.Number(),
  answers: Type.Optional(AnswerTotals),
});
export type ShadowFigures = Static<typeof ShadowFigures>;

/** A version that is kept loaded and answers nobody, so that a rollback to it takes no loading. */
const WarmFigures = strict({
  name: ModelName,
  version: Type.String(),
  loaded: Type.Boolean({ description: 'false: a rollback to it loads it first' }),
  memoryBytes: Type.Integer(),
  failure: Type.Optional(Type.String({ description: 'why it could not be loaded' })),
});

/** Requests that were refused under load or not answered in time, by what refused them. */
export const RefusalFigures = strict({
  rate: Type.Integer({ minimum: 0, description: '429: of one token more than it may ask' }),
  queue: Type.Integer({ minimum: 0, description: '429: too many waited for the model' }),
  concurrency: Type.Integer({ minimum: 0, description: '503: too many at the same time' }),
  log: Type.Integer({ minimum: 0, description: '503: the prediction could not be logged, as the policy demands' }),
  deadline: Type.Integer({ minimum: 0, description: '504: not in time' }),
});
export type RefusalFigures = Static<typeof RefusalFigures>;

/** The prediction log on a data plane's disk. */
const LogFigures = strict({
  frames: Type.Integer({ description: 'requests that were logged' }),
  bytes: Type.Integer(),
  failures: Type.Integer({ description: 'requests that could not be logged' }),
  segments: Type.Integer({ description: 'finished segments that wait to be shipped' }),
  diskBytes: Type.Integer({ description: 'of finished and open segments' }),
  dropped: strict({ segments: Count, requests: Count, bytes: Count }, { description: 'removed unread, the log being full' }),
  recovered: strict({ segments: Count, requests: Count, cutBytes: Count }, { description: 'found left open by processes that died' }),
});

/** How a data plane does just now. */
export const PlaneFigures = Type.Object({
  generation: Type.Integer(),
  answeringThreads: Type.Integer({ description: 'that take requests at its addresses; all figures are of all of them' }),
  ready: Type.Boolean(),
  inFlight: Type.Integer(),
  traffic: TrafficFigures,
  models: Type.Array(ModelFigures),
  warm: Type.Optional(Type.Array(WarmFigures)),
  memory: strict({ usedBytes: Type.Integer(), limitBytes: Type.Optional(Type.Integer()) }),
  shadows: Type.Array(ShadowFigures),
  refused: RefusalFigures,
  spool: Type.Optional(LogFigures),
});
export type PlaneFigures = Static<typeof PlaneFigures>;

/** An endpoint of an environment: what answers there, and how it does. */
export const EndpointState = strict({
  environment: Name,
  endpoint: Name,
  address: Type.Optional(Type.String()),
  grpcAddress: Type.Optional(Type.String()),
  agents: Type.Optional(
    strict(
      { enrolled: Type.Integer(), inStep: Type.Integer() },
      { description: 'where agents serve it: how many there are, and serve what is desired' },
    ),
  ),
  live: Type.Optional(Deployment),
  route: Type.Optional(ManifestRoute),
  /** What its manifest lets through and logs. */
  limits: Type.Optional(ServeLimits),
  log: Type.Optional(LogPolicy),
  /** What its manifest says of running models; the rest is measured. */
  execution: Type.Optional(ExecutionSpec),
  outliers: Type.Optional(Type.Boolean({ description: 'whether a prediction may be asked for with its outlier score' })),
  pending: Type.Optional(
    Type.Array(oneOf(['limits', 'log', 'execution']), {
      description: 'what `serve` in gyre.yaml says otherwise by now: it comes with the next release',
    }),
  ),
  /** Absent while its data plane does not run or answer. */
  figures: Type.Optional(PlaneFigures),
});
export type EndpointState = Static<typeof EndpointState>;
