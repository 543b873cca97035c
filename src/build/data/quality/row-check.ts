import type { CheckLimits, FailingExample } from '#contract';
import { positionColumn } from '#tables';
import type { Frame, OpenTables } from '#tables';
import { askRows } from './ask-rows.ts';
import type { Asked } from './ask-rows.ts';
import type { Collector } from './collector.ts';
import type { Finding } from './limits.ts';
import { exampleAt } from '../masking.ts';
import type { MaskedColumns } from '../masking.ts';
import type { RowSql } from './row-sql.ts';

export const examplesKept = 5;

/** What a check says of a row. */
export const passes = 0;
export const fails = 1;
/** The check does not apply: the value that it needs is missing. */
export const skipped = 2;

/** An expectation that each row meets or not. */
export interface RowCheck {
  readonly name: string;
  /** The column that it is about. */
  readonly column?: string;
  readonly reads: readonly string[];
  readonly limits: CheckLimits;
  /** 1 without it. */
  readonly weight?: number;
  /** Whether a row that fails may be set aside; true without it. `when_every_row_must_pass`: only where the limit lets none fail. */
  readonly blamesRow?: false | 'when_every_row_must_pass';
  /** Marks the rows of a batch: `passes`, `fails` or `skipped`. Batches come in order. @param firstRow position of the batch's first row */
  mark(batch: Frame, marks: Uint8Array, firstRow: number): void;
  /** The same as a question to the engine that holds the table. */
  readonly sql?: RowSql | undefined;
  /** Words for failures, from their number and the number of rows that were looked at. */
  readonly failed: (count: number, applied: number) => string;
  readonly passed: string;
}

/** Who wants to know each failing row. */
export type OnFailure = (check: RowCheck, row: number) => void;

/** Counts what fails a check, and keeps the first few rows as examples. Its score is the share of rows that pass. */
export function tally(check: RowCheck, masked: MaskedColumns, onFailure?: OnFailure): Collector {
  let marks = new Uint8Array(0);
  let [count, applied] = [0, 0];
  const examples: FailingExample[] = [];
  const { sql, column } = check;
  const ask = sql && {
    ask: async (tables: OpenTables): Promise<void> => {
      const found = await askRows(tables, {
        sql,
        columns: column === undefined ? [] : [column],
        examples: examplesKept,
        all: onFailure !== undefined,
      });
      [count, applied] = [found.count, found.applied];
      examples.push(...shownExamples(found, column, masked));
      for (const position of found.positions ?? []) onFailure?.(check, position);
    },
  };
  return {
    ...ask,
    reads: check.reads,
    take: (batch, firstRow) => {
      if (marks.length < batch.rows) marks = new Uint8Array(batch.rows);
      check.mark(batch, marks, firstRow);
      for (let row = 0; row < batch.rows; row++) {
        if (marks[row] === skipped) continue;
        applied++;
        if (marks[row] === passes) continue;
        count++;
        if (examples.length < examplesKept) examples.push(exampleAt(batch, check.column, row, masked, firstRow));
        onFailure?.(check, firstRow + row);
      }
    },
    findings: () => [shareFinding(check, { count, applied, examples })],
  };
}

/** The examples that an engine answered with. */
export function shownExamples({ examples }: Asked, column: string | undefined, masked: MaskedColumns): FailingExample[] {
  if (examples === undefined) return [];
  const positions = examples.numbers(positionColumn);
  return Array.from(positions, (position, at) => exampleAt(examples, column, at, masked, position - at));
}

/** A finding whose score is the share of rows that pass. */
export function shareFinding(
  { name, column, limits, weight = 1, failed, passed }: Pick<RowCheck, 'name' | 'column' | 'limits' | 'weight' | 'failed' | 'passed'>,
  { count, applied, examples }: { readonly count: number; readonly applied: number; readonly examples: readonly FailingExample[] },
): Finding {
  const about = column === undefined ? { name } : { name, column };
  if (applied === 0)
    return { ...about, score: null, weight, limits, message: 'not measurable: no row to look at', failing: 0, applied, examples: [] };
  const message = count > 0 ? failed(count, applied) : passed;
  return { ...about, score: 1 - count / applied, weight, limits, message, failing: count, applied, examples: [...examples] };
}

export const rowsWord = (count: number): string => `${count} row${count === 1 ? '' : 's'}`;

/** Marks by a test on each row's position; undefined: it does not apply. */
export function markRows(rows: number, marks: Uint8Array, test: (row: number) => boolean | undefined): void {
  for (let row = 0; row < rows; row++) {
    const verdict = test(row);
    marks[row] = verdict === undefined ? skipped : verdict ? fails : passes;
  }
}
