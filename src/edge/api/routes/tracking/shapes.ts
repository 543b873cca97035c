import { Type, type Static } from 'typebox';
import { Id, Instant, oneOf, runStatuses, strict } from '#contract';

/** A number of a metric as JSON can say it. */
export const MetricValue = Type.Union([Type.Number(), Type.Null(), oneOf(['NaN', 'Infinity', '-Infinity'])], {
  description: 'null: not logged',
});

const key = Type.String({ minLength: 1, maxLength: 250 });
export const Keys = Type.Array(key, { maxItems: 200 });

/** Which runs, in which order. */
export const selection = {
  experiments: Type.Optional(
    Type.Array(Id, { maxItems: 1000, description: 'ids of experiments; without them every experiment that the caller may read' }),
  ),
  filter: Type.String({
    maxLength: 20_000,
    default: '',
    description: 'as MLflow’s clients write it: metrics.loss < 0.1 AND tags.team = "a"',
  }),
  order: Type.Array(Type.String({ maxLength: 600 }), { maxItems: 20, default: [], description: 'such as metrics.loss ASC' }),
  view: oneOf(['active', 'deleted', 'all'], { default: 'active' }),
};

export const RunColumns = strict({
  metrics: Type.Optional(Keys),
  parameters: Type.Optional(Keys),
  tags: Type.Optional(Keys),
});

export const RunRowView = strict({
  position: Type.Integer(),
  id: Id,
  experiment: Type.String(),
  name: Type.String(),
  status: oneOf(runStatuses),
  lifecycle: oneOf(['active', 'deleted']),
  user: Type.String(),
  startedAt: Instant,
  endedAt: Type.Optional(Instant),
  metrics: Type.Array(MetricValue, { description: 'last values, in the order of the columns' }),
  parameters: Type.Array(Type.Union([Type.String(), Type.Null()])),
  tags: Type.Array(Type.Union([Type.String(), Type.Null()])),
});

export const RunGroup = strict({
  value: Type.Union([Type.String(), Type.Null()], { description: 'of which the first 200 characters count; null: runs without it' }),
  runs: Type.Integer(),
  metrics: Type.Array(
    Type.Union([strict({ count: Type.Integer(), mean: Type.Number(), min: Type.Number(), max: Type.Number() }), Type.Null()]),
  ),
});

const KeyedValues = Type.Array(strict({ key: Type.String(), values: Type.Array(Type.String()) }));
export const RunKeys = strict({ metrics: Type.Array(Type.String()), parameters: KeyedValues, tags: KeyedValues });

export const SeriesQuery = strict({
  runs: Type.Array(Id, { minItems: 1, maxItems: 100 }),
  key,
  over: Type.Optional(Type.String({ ...key, description: 'another metric in the same places, so that one can be drawn over the other' })),
  axis: oneOf(['step', 'time', 'relative'], { default: 'step', description: 'relative: milliseconds since the first value in the run' }),
  from: Type.Optional(Type.Number({ description: 'inclusive, on the axis' })),
  to: Type.Optional(Type.Number()),
  buckets: Type.Integer({ minimum: 1, maximum: 2000, default: 500 }),
});

const PlacedSeries = Type.Array(
  strict({
    run: Id,
    at: Type.Array(Type.Integer(), { description: 'which places of x this run has values in' }),
    mean: Type.Array(Type.Number()),
    min: Type.Optional(Type.Array(Type.Number(), { description: 'absent where every place holds one value' })),
    max: Type.Optional(Type.Array(Type.Number())),
  }),
);

export const SeriesAnswer = strict({
  x: Type.Array(Type.Number()),
  series: PlacedSeries,
  over: Type.Optional(PlacedSeries),
});

export const RunChange = strict({
  runs: Type.Array(Id, { minItems: 1, maxItems: 1000 }),
  tags: Type.Optional(
    Type.Record(Type.String({ minLength: 1, maxLength: 250 }), Type.Union([Type.String({ maxLength: 8000 }), Type.Null()]), {
      maxProperties: 100,
      description: 'null takes a tag away',
    }),
  ),
  lifecycle: Type.Optional(oneOf(['active', 'deleted'], { description: 'deletes or restores' })),
  name: Type.Optional(Type.String({ minLength: 1, maxLength: 500 })),
});
export type RunChange = Static<typeof RunChange>;

/** What clients outside logged of a run, beyond what `Run` holds. */
export const TrackedRunView = strict({
  id: Id,
  publicId: Type.String({ description: 'as MLflow’s clients know it' }),
  experiment: strict({ id: Type.String(), name: Type.String() }),
  lifecycle: oneOf(['active', 'deleted']),
  user: Type.String(),
  metrics: Type.Array(
    strict({
      key: Type.String(),
      value: MetricValue,
      step: Type.Integer(),
      at: Instant,
      count: Type.Optional(Type.Integer({ description: 'of finite values; absent where there are too many to look through' })),
      min: Type.Optional(Type.Number()),
      max: Type.Optional(Type.Number()),
    }),
  ),
  datasets: Type.Array(
    strict({
      name: Type.String(),
      digest: Type.String(),
      sourceType: Type.String(),
      source: Type.String(),
      schema: Type.Optional(Type.String()),
      profile: Type.Optional(Type.String()),
      context: Type.Optional(Type.String()),
    }),
  ),
});
