import { Type, type Static } from 'typebox';
import { Name, oneOf, strict } from './common.ts';

/*
 * A dataset made of other datasets: every row of one of them (the base) gets columns from rows of others that have its key,
 * as they were known at its instant.
 */

const Column = Type.String({ minLength: 1 });
/** Columns of the other dataset as they are called, or new name → column. */
const Columns = Type.Union([Type.Array(Column, { minItems: 1 }), Type.Record(Column, Column)]);

export const JoinSide = strict({
  of: Type.Optional(Type.String({ minLength: 1, description: 'the dataset; default: the name that this stands under' })),
  key: Type.String({ minLength: 1, description: 'its column that holds the key' }),
  time: Type.Optional(Type.String({ minLength: 1, description: 'its column that says since when a row is known' })),
  window: Type.Optional(
    Type.String({
      pattern: '^[0-9]+(\\.[0-9]+)?(ms|s|m|h|d|w)$',
      description: 'only rows of so long before the instant of the base row, such as 90d',
    }),
  ),
  bounds: Type.Optional(
    oneOf(['before', 'at'], {
      description: 'before (default): only rows strictly before the instant of the base row; at: rows of that very instant too',
    }),
  ),
  aggregate: Type.Optional(
    Type.Record(Column, Type.String(), { description: 'new column → such as sum(amount), count(), count_distinct(shop), max(ts)' }),
  ),
  latest: Type.Optional(Columns),
  columns: Type.Optional(Columns),
});
export type JoinSide = Static<typeof JoinSide>;

export const JoinSource = strict({
  join: Type.String({ minLength: 1, description: 'the dataset of which each row becomes a row' }),
  key: Type.Optional(Type.String({ minLength: 1, description: 'its column that holds the key; default: the key of that dataset' })),
  at: Type.Optional(Type.String({ minLength: 1, description: 'its column of the instant at which the others are looked at' })),
  with: Type.Record(Name, JoinSide, { description: 'the other datasets' }),
});
export type JoinSource = Static<typeof JoinSource>;
