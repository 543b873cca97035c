import type { CellValue } from '#contract';
import { GyreError } from '#core';
import { sqlName, positionColumn } from '#tables';
import type { TableRecord } from '#tables';
import { shownColumn } from '../masking.ts';
import { alikeTerm, comparable } from './sides.ts';
import type { Sides } from './sides.ts';

export const position = sqlName(positionColumn);

/** One row on both sides, by its positions. */
export interface Pair {
  readonly from: number;
  readonly to: number;
}

export interface RowsAt {
  /** A row as the reader sees it. */
  shown(at: number): Readonly<Record<string, CellValue>>;
  /** A row's values as texts that differ where the values do, masked ones too: to be compared, never to be shown. */
  marks(at: number): Readonly<Record<string, CellValue>>;
}

/** The rows at these positions of one side. */
export async function rowsAt(sides: Sides, table: 'from' | 'to', positions: readonly number[]): Promise<RowsAt> {
  const wanted = [...new Set(positions)];
  const rows = new Map<number, { shown: TableRecord; marks: TableRecord }>();
  if (wanted.length > 0) {
    const at = `FROM ${sqlName(table)} WHERE ${position} IN (${wanted.join(', ')}) ORDER BY ${position}`;
    const columns = sides.tables.schemaOf(table);
    const shown = await sides.tables.records(`SELECT ${columns.map((column) => shownColumn(column, sides.masked)).join(', ')} ${at}`);
    const marked = comparable(sides).map((column) => `hash(${alikeTerm(column)})::VARCHAR AS ${sqlName(column.name)}`);
    const marks = await sides.tables.records(`SELECT ${[`${position} AS ${position}`, ...marked].join(', ')} ${at}`);
    shown.forEach((record, i) => rows.set(Number(marks[i][positionColumn]), { shown: record, marks: marks[i] }));
  }
  const rowOf = (at: number): { shown: TableRecord; marks: TableRecord } => {
    const row = rows.get(at);
    if (row) return row;
    throw new GyreError('INTERNAL', `row ${at} of "${table}" was not read`);
  };
  return { shown: (at) => rowOf(at).shown, marks: (at) => rowOf(at).marks };
}

export const rising = (positions: readonly number[]): number[] => [...positions].sort((left, right) => left - right);
export const byRow = (pairs: readonly Pair[]): Pair[] => [...pairs].sort((left, right) => left.to - right.to);

/** A list that the engine wrote as JSON; NULL is an empty one. */
export function numbersIn(cell: TableRecord[string]): number[] {
  const parsed: unknown = typeof cell === 'string' ? JSON.parse(cell) : [];
  return Array.isArray(parsed) ? parsed.map(Number) : [];
}

export function pairsIn(cell: TableRecord[string]): Pair[] {
  const parsed: unknown = typeof cell === 'string' ? JSON.parse(cell) : [];
  if (!Array.isArray(parsed)) return [];
  return parsed.flatMap((pair: unknown) =>
    typeof pair === 'object' && pair !== null && 'from' in pair && 'to' in pair ? [{ from: Number(pair.from), to: Number(pair.to) }] : [],
  );
}
