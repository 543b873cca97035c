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

const Query = Type.String({ minLength: 1, description: 'what is asked: one SELECT, without a semicolon' });
const Database = (example: string) =>
  Type.String({ minLength: 1, description: `the database's address, such as "${example}"; its secrets are named: \${env:NAME}` });

/** A database or a workbook as a table. */
export const QuerySource = Type.Union([
  strict({ postgres: Database('postgres://reader:${env:PASSWORD}@db.example.org/shop'), query: Query }),
  strict({ mysql: Database('mysql://reader:${env:PASSWORD}@db.example.org/shop'), query: Query }),
  strict({
    sqlite: Type.String({ minLength: 1, description: 'an SQLite file, relative to gyre.yaml' }),
    query: Type.Optional(Query),
    table: Type.Optional(Type.String({ minLength: 1, description: 'a table or view, where the whole of it is wanted' })),
  }),
  strict({
    excel: Type.String({ minLength: 1, description: 'an .xlsx file, relative to gyre.yaml' }),
    sheet: Type.Optional(Type.String({ minLength: 1, description: 'default: the first' })),
  }),
]);
export type QuerySource = Static<typeof QuerySource>;
