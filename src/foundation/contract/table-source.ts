import { Type, type Static } from 'typebox';
import { oneOf, strict } from './common.ts';

/** How a CSV text is written, as far as it is not to be sniffed. */
export const DialectSpec = strict({
  delimiter: Type.Optional(oneOf([',', ';', '\t', '|'], { description: 'the sign between fields' })),
  decimal: Type.Optional(oneOf(['.', ','], { description: 'the sign before decimals; default: a point' })),
  missing: Type.Optional(
    Type.Array(Type.String({ minLength: 1 }), {
      description: 'texts that stand for a missing value, such as NA; a blank field always does',
    }),
  ),
});
export type DialectSpec = Static<typeof DialectSpec>;

/** How dates with the year last (03/04/2025) are written; without a word it must follow from the values. */
export const TimestampOrder = oneOf(['day-first', 'month-first', 'text'], { description: 'text: they are kept as they are' });
export type TimestampOrder = Static<typeof TimestampOrder>;
