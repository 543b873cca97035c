import { Type, type Static } from 'typebox';
import { Digest, Id, Instant, Interval, Measured, Name, oneOf, strict } from './common.ts';

const ColumnName = Type.String({ minLength: 1 });
/** One column, or several whose values together count. */
const columns = (description: string) => Type.Union([ColumnName, Type.Array(ColumnName, { minItems: 1, maxItems: 10 })], { description });
/** When something begins: a day, an instant, or a number where time is counted in numbers. */
const beginning = (description = 'a day, an instant with its offset, or a number where time is a number') =>
  Type.Union([Type.String({ minLength: 1, maxLength: 40 }), Type.Number()], { description });

const strategyMembers = {
  group: Type.Optional(columns('whole groups: no value of these columns on both sides')),
  time: Type.Optional(Type.String({ minLength: 1, description: 'by the course of this column: later rows than the others’' })),
  location: Type.Optional(columns('whole places: a column of names, or latitude and longitude with `cell`')),
  cell: Type.Optional(
    Type.Number({ exclusiveMinimum: 0, maximum: 90, description: 'of latitude and longitude: a place is a square of so many degrees' }),
  ),
};

/** A validation set as `gyre.yaml` names it. */
export const ValidationSetSpec = strict(
  {
    share: Type.Optional(Type.Number({ exclusiveMinimum: 0, exclusiveMaximum: 1, description: 'of the rows, groups or places' })),
    stratify: Type.Optional(Type.String({ minLength: 1, description: 'the same share of each value of this column' })),
    ...strategyMembers,
    from: Type.Optional(beginning('with `time`: rows from here on, in place of a share')),
    places: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), { minItems: 1, description: 'with `location`: these, in place of a share' }),
    ),
  },
  { description: 'rows held out of every part; without stratify, group, time or location they are chosen by chance' },
);
export type ValidationSetSpec = Static<typeof ValidationSetSpec>;

export const SplitSpec = strict({
  parts: Type.Record(Name, Type.Number({ exclusiveMinimum: 0, maximum: 1 }), { description: 'part → fraction; together 1' }),
  salt: Type.Optional(Type.String({ description: 'default: the project’s name' })),
  stratify: Type.Optional(Type.String({ description: 'column whose shares are reported for each part' })),
  ...strategyMembers,
  from: Type.Optional(
    Type.Record(Name, beginning(), { description: 'with `time`: where each part but the first begins, in place of the fractions' }),
  ),
  sets: Type.Optional(Type.Record(Name, ValidationSetSpec, { description: 'validation sets: further rows to judge models on' })),
});
export type SplitSpec = Static<typeof SplitSpec>;

export const splitStrategies = ['random', 'stratified', 'group', 'time', 'location'] as const;

/** How rows are chosen. */
export const SplitStrategy = strict({
  strategy: oneOf(splitStrategies),
  columns: Type.Array(Type.String(), { description: 'that it looks at; none for random, which looks at the key' }),
  cell: Type.Optional(Type.Number()),
  from: Type.Optional(beginning()),
  places: Type.Optional(Type.Array(Type.String())),
});
export type SplitStrategy = Static<typeof SplitStrategy>;

/** Borders that were drawn on one version, and hold for all later ones. */
export const SplitBorders = strict({
  measuredOn: Type.Optional(Digest),
  times: Type.Optional(Type.Array(beginning(), { description: 'where the set begins; of parts: where each but the first begins' })),
  classes: Type.Optional(Type.Record(Type.String(), Type.Number(), { description: 'value → rows of it are taken whose key lies below' })),
});
export type SplitBorders = Static<typeof SplitBorders>;

const targetShare = Type.Optional(Type.Record(Type.String(), strict({ share: Type.Number(), interval: Interval })));

export const SplitPart = strict({ part: Name, fraction: Type.Number(), version: Digest, rows: Type.Integer(), targetShare });

export const ValidationSet = strict({
  set: Name,
  strategy: SplitStrategy,
  share: Type.Optional(Type.Number()),
  version: Digest,
  rows: Type.Integer(),
  borders: Type.Optional(SplitBorders),
  targetShare,
});
export type ValidationSet = Static<typeof ValidationSet>;

export const Split = strict({
  id: Id,
  dataset: Name,
  version: Digest,
  key: Type.Optional(Type.String({ description: 'the column that names a row; without it all values of a row do' })),
  salt: Type.String(),
  strategy: Type.Optional(SplitStrategy),
  borders: Type.Optional(SplitBorders),
  parts: Type.Array(SplitPart),
  sets: Type.Optional(Type.Array(ValidationSet, { description: 'rows of none of the parts; a row may be in several' })),
  stratification: Type.Optional(strict({ column: Type.String(), pValue: Type.Number(), message: Type.String() })),
  createdAt: Instant,
});
export type Split = Static<typeof Split>;

/** Whether the values of one column follow the same law on two sides of a split. */
export const SplitColumn = strict({
  column: Type.String(),
  statistic: Type.Optional(oneOf(['ks', 'chi_squared'])),
  pValue: Measured,
  adjusted: Type.Union([Type.Number(), Type.Null()], {
    description: 'p-value after Benjamini and Hochberg, over the columns of this comparison',
  }),
  effect: Type.Optional(strict({ name: oneOf(['wasserstein', 'jensen_shannon']), value: Type.Number() })),
  missing: strict({ reference: Type.Number(), here: Type.Number() }),
  differs: Type.Boolean(),
  byDesign: Type.Boolean({ description: 'the strategy makes this column differ' }),
  note: Type.Optional(Type.String({ description: 'why it was not tested' })),
});
export type SplitColumn = Static<typeof SplitColumn>;

export const splitVerdicts = ['alike', 'biased', 'shifted', 'untested'] as const;

export const SplitComparison = strict({
  name: Name,
  kind: oneOf(['part', 'set']),
  strategy: SplitStrategy,
  rows: Type.Integer(),
  share: Type.Number({ description: 'of all rows' }),
  reference: strict({ name: Name, rows: Type.Integer() }),
  tested: strict({ unit: oneOf(['row', 'group', 'place']), here: Type.Integer(), reference: Type.Integer() }),
  shared: Type.Optional(Type.Integer({ description: 'groups or places that stand on both sides' })),
  columns: Type.Array(SplitColumn),
  verdict: oneOf(splitVerdicts),
  message: Type.String(),
});
export type SplitComparison = Static<typeof SplitComparison>;

export const SplitReport = strict({
  split: Id,
  version: Digest,
  alpha: Type.Number(),
  correction: oneOf(['benjamini_hochberg']),
  comparisons: Type.Array(SplitComparison, { description: 'each part and validation set against the first part' }),
  message: Type.String(),
});
export type SplitReport = Static<typeof SplitReport>;
