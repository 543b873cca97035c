import { Type, type Static } from 'typebox';
import { Digest, oneOf, strict } from './common.ts';
import { WorkspaceChanges } from './workspace.ts';
import { ColumnType } from './table-schema.ts';
import { CellValue } from './prediction.ts';

/*
 * How two versions of a dataset differ: their rows, their cells, their columns, the laws of their values.
 * Whoever may not see personal columns gets `***` or null for their values, and neither bins nor categories.
 */

const RowNumber = Type.Integer({ description: 'row number in the source, the header being line 1' });
/** A figure on both sides. */
const Both = { from: Type.Integer(), to: Type.Integer() };

export const ColumnDifference = strict({
  column: Type.String(),
  change: oneOf(['added', 'removed', 'type', 'order', 'expectation', 'missing', 'values'], {
    description: '`expectation`: what the reviewed schema says of the column; `missing`: the share of missing values; `values`: their law',
  }),
  message: Type.String(),
  pValue: Type.Optional(
    Type.Number({
      description:
        'chance of a difference at least this great between samples of one law; for `missing` and `values`. Benjamini and Hochberg’s adjusted value is below 0.01',
    }),
  ),
});
export type ColumnDifference = Static<typeof ColumnDifference>;

export const CellChange = strict({ column: Type.String(), from: CellValue, to: CellValue });
export type CellChange = Static<typeof CellChange>;

export const ComparedRow = strict({ row: RowNumber, cells: Type.Record(Type.String(), CellValue) });
export type ComparedRow = Static<typeof ComparedRow>;

export const ChangedRow = strict({
  key: Type.Record(Type.String(), CellValue),
  from: RowNumber,
  to: RowNumber,
  cells: Type.Array(CellChange, { description: 'the columns that changed' }),
});
export type ChangedRow = Static<typeof ChangedRow>;

export const RowChanges = strict({
  matchedBy: oneOf(['key', 'row'], {
    description:
      '`key`: rows with the same key are one row; `row`: whole rows are matched, so that a changed one counts as removed and added',
  }),
  key: Type.Optional(Type.Array(Type.String())),
  note: Type.Optional(Type.String({ description: 'why rows could not be matched by a key' })),
  added: Type.Integer(),
  removed: Type.Integer(),
  changed: Type.Integer(),
  unchanged: Type.Integer(),
  examples: strict({ added: Type.Array(ComparedRow), removed: Type.Array(ComparedRow), changed: Type.Array(ChangedRow) }),
});
export type RowChanges = Static<typeof RowChanges>;

/** One column of both versions. */
export const ColumnComparison = strict({
  column: Type.String(),
  from: ColumnType,
  to: ColumnType,
  masked: Type.Optional(Type.Boolean({ description: 'personal or sensitive, and hidden from who asked' })),
  missing: strict(Both),
  changedCells: Type.Optional(Type.Integer({ description: 'rows of the same key whose value differs' })),
  examples: Type.Optional(Type.Array(strict({ row: RowNumber, from: CellValue, to: CellValue }))),
  bins: Type.Optional(
    Type.Array(strict({ low: Type.Number(), high: Type.Number(), ...Both }), {
      description: 'of numbers, and of instants as UTC milliseconds: bins of equal width, the same on both sides; all rows are counted',
    }),
  ),
  categories: Type.Optional(
    strict({
      top: Type.Array(strict({ value: Type.String(), ...Both })),
      others: strict({ values: Type.Integer({ description: 'how many other values there are' }), ...Both }),
    }),
  ),
  test: Type.Optional(
    strict({
      statistic: Type.String(),
      value: Type.Number(),
      pValue: Type.Number(),
      adjusted: Type.Number({ description: 'Benjamini and Hochberg’s adjusted p-value over the tests of this comparison' }),
      effect: strict({ name: Type.String(), value: Type.Number() }),
      rows: strict(Both, { description: 'how many values were tested: a sample where a version has more than 100,000 rows' }),
    }),
  ),
});
export type ColumnComparison = Static<typeof ColumnComparison>;

export const DatasetComparison = strict({
  from: Digest,
  to: Digest,
  rows: strict(Both),
  sameSchema: Type.Boolean(),
  rowChanges: RowChanges,
  files: Type.Optional({ ...WorkspaceChanges, description: 'of versions of folders: files by path and content' }),
  differences: Type.Array(ColumnDifference, { description: 'what a reader should look at' }),
  columns: Type.Array(ColumnComparison, { description: 'each column that both versions have' }),
});
export type DatasetComparison = Static<typeof DatasetComparison>;
