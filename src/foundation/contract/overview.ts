import { Type, type Static } from 'typebox';
import { Actor, Id, Instant, Interval, Measured, ModelName, Name, oneOf, strict } from './common.ts';

export const stationNames = ['data', 'training', 'test', 'certificate', 'release', 'live', 'action'] as const;
/** `off`: nothing has happened here yet. */
export const stationStates = ['good', 'warn', 'bad', 'waiting', 'off'] as const;

/** A record that a page can be opened for. */
export const RecordLink = strict({
  kind: oneOf([
    'dataset_version',
    'split',
    'pipeline_run',
    'run',
    'test_report',
    'model_version',
    'application_test',
    'deployment',
    'window',
    'alert',
    'action',
  ]),
  id: Id,
  /** For model versions, where their page lies: `churn/2`. */
  path: Type.Optional(Type.String()),
});
export type RecordLink = Static<typeof RecordLink>;

export const Figure = strict({
  name: Type.String(),
  value: Measured,
  unit: Type.Optional(Type.String()),
  interval: Type.Optional(Interval),
  threshold: Type.Optional(Type.String()),
  good: Type.Optional(Type.Boolean()),
});
export type Figure = Static<typeof Figure>;

/** One station of a model's loop: its latest record, its state in words, the figures that matter. */
export const Station = strict({
  station: oneOf(stationNames),
  state: oneOf(stationStates),
  title: Type.String(),
  detail: Type.String({ description: 'a sentence; says the reason where the state is not good' }),
  record: Type.Optional(RecordLink),
  figures: Type.Array(Figure),
  /** Figures by window, oldest first, at most 30: accuracy, drifted columns, rows. */
  series: Type.Optional(
    Type.Array(
      strict({ name: Type.String(), values: Type.Array(Measured), starts: Type.Array(Instant), threshold: Type.Optional(Type.Number()) }),
    ),
  ),
  at: Type.Optional(Instant),
  by: Type.Optional(Actor),
});
export type Station = Static<typeof Station>;

export const Waiting = strict({
  what: oneOf(['application_tests', 'certification', 'approval', 'release', 'labels', 'alert']),
  text: Type.String(),
  role: Type.Optional(Type.String()),
  record: RecordLink,
  environment: Type.Optional(Name),
});
export type Waiting = Static<typeof Waiting>;

/** All that the Loop page shows, in one answer. */
export const Overview = strict({
  project: Name,
  description: Type.String(),
  models: Type.Array(
    strict({
      model: ModelName,
      champion: Type.Optional(Type.Integer()),
      candidate: Type.Optional(Type.Integer()),
      stations: Type.Array(Station),
    }),
  ),
  waiting: Type.Array(Waiting),
  position: Type.Integer({ description: 'of the event stream at this picture; read on from here' }),
});
export type Overview = Static<typeof Overview>;
