import { Type, type Static } from 'typebox';
import { Name, oneOf, strict } from './common.ts';

export const columnTypes = ['integer', 'number', 'boolean', 'string', 'instant'] as const;
export const ColumnType = oneOf(columnTypes);
export type ColumnType = Static<typeof ColumnType>;

const Share = Type.Number({ minimum: 0, maximum: 1 });
const ColumnName = Type.String({ minLength: 1 });
const Moment = Type.String({
  pattern: '^\\d{4}-\\d{2}-\\d{2}(T\\d{2}:\\d{2}(:\\d{2}(\\.\\d+)?)?(Z|[+-]\\d{2}:\\d{2}))?$',
  description: 'a day, YYYY-MM-DD, or an instant with its offset',
});
/** A length of time: "30s", "15m", "6h", "1d". */
const span = (description: string) => Type.String({ pattern: '^[0-9]+(\\.[0-9]+)?(ms|s|m|h|d|w)$', description });

export const columnOrders = ['rising', 'strictly_rising', 'falling'] as const;

/** What is expected of one column: the reviewed schema file holds a list of these. */
export const ColumnSchema = strict({
  name: ColumnName,
  type: ColumnType,
  description: Type.Optional(Type.String()),
  presence: Type.Optional(oneOf(['required', 'optional'], { description: 'whether the table must have the column; default: required' })),
  nullable: Type.Optional(Type.Boolean({ description: 'default: true' })),
  maxMissing: Type.Optional(Type.Number({ minimum: 0, maximum: 1, description: 'largest share of missing values' })),
  unique: Type.Optional(Type.Boolean()),
  min: Type.Optional(Type.Number()),
  max: Type.Optional(Type.Number()),
  categories: Type.Optional(Type.Array(Type.String(), { description: 'the only values allowed' })),
  pattern: Type.Optional(Type.String({ description: 'a regular expression that the whole value matches' })),
  minLength: Type.Optional(Type.Integer({ minimum: 0, description: 'in characters' })),
  maxLength: Type.Optional(Type.Integer({ minimum: 0, description: 'in characters' })),
  earliest: Type.Optional(Moment),
  latest: Type.Optional(Moment),
  order: Type.Optional(oneOf(columnOrders, { description: 'how values follow each other from row to row' })),
  freshness: Type.Optional(span('how old the newest value may be, such as 1d')),
  references: Type.Optional(
    strict(
      { dataset: Name, column: Type.Optional(ColumnName) },
      { description: 'each value stands in this column of the newest version of another dataset; default: a column of the same name' },
    ),
  ),
  population: Type.Optional(
    Type.Record(Type.String(), Share, { description: 'value → its share in the population that the rows stand for; together 1' }),
  ),
  personal: Type.Optional(Type.Boolean({ description: 'tells of a person: masked for whoever may not see personal data' })),
  sensitive: Type.Optional(Type.Boolean({ description: 'to be kept from view for another reason: masked likewise' })),
  severity: Type.Optional(oneOf(['error', 'warning'], { description: 'what it means when the column breaks its checks; default: error' })),
});
export type ColumnSchema = Static<typeof ColumnSchema>;

/** A comparison between columns; `when` limits it to the rows for which another comparison holds. */
export const ColumnRule = strict({
  rule: Type.String({ minLength: 1 }),
  when: Type.Optional(Type.String({ minLength: 1 })),
  description: Type.Optional(Type.String()),
  severity: Type.Optional(oneOf(['error', 'warning'])),
});
export type ColumnRule = Static<typeof ColumnRule>;

/** Below these scores a check warns or fails. */
export const CheckLimits = strict({
  warn: Type.Optional(Type.Number({ minimum: 0, maximum: 1, description: 'a lower score than this is a warning' })),
  fail: Type.Optional(Type.Number({ minimum: 0, maximum: 1, description: 'a lower score than this is a failure' })),
});
export type CheckLimits = Static<typeof CheckLimits>;

export const TableSchema = strict({
  columns: Type.Array(ColumnSchema, { minItems: 1 }),
  keys: Type.Optional(
    Type.Array(Type.Array(ColumnName, { minItems: 1 }), {
      description: 'columns that together name a row: no two rows agree in all of them',
    }),
  ),
  references: Type.Optional(
    Type.Array(
      strict({
        columns: Type.Array(ColumnName, { minItems: 1 }),
        dataset: Name,
        to: Type.Optional(Type.Array(ColumnName, { minItems: 1 })),
      }),
      { description: 'the combination of values stands in the newest version of another dataset' },
    ),
  ),
  time: Type.Optional(
    strict(
      {
        column: Type.String({ minLength: 1, description: 'when it happened' }),
        arrived: Type.Optional(Type.String({ minLength: 1, description: 'when the row came in' })),
        every: Type.Optional(span('in every such span there is a row, such as 1d')),
        by: Type.Optional(Type.String({ minLength: 1, description: 'and there is one for each value of this column' })),
        maxLag: Type.Optional(span('a row that arrives later than this is late')),
      },
      { description: 'the course of time: gaps, late rows, coverage' },
    ),
  ),
  rules: Type.Optional(
    Type.Array(Type.Union([Type.String(), ColumnRule]), {
      description: 'comparisons between columns, such as "TotalCharges >= MonthlyCharges"',
    }),
  ),
  checks: Type.Optional(
    Type.Record(Type.String(), CheckLimits, { description: 'check, by its name in the report → the scores below which it warns or fails' }),
  ),
});
export type TableSchema = Static<typeof TableSchema>;
