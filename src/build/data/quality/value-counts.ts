import { positionColumn, sqlName } from '#tables';
import type { Frame, OpenTables } from '#tables';
import { wholeTable } from './batches.ts';
import type { Collector } from './collector.ts';

/** How often each value of a column occurs. */
export interface ValueCounts {
  readonly column: string;
  take(batch: Frame): void;
  /** Has an engine count instead. */
  ask(tables: OpenTables): Promise<void>;
  /** Undefined when there are more different values than are counted: then they are no groups. */
  counts(): ReadonlyMap<string, number> | undefined;
}

/** So many of the first rows are looked at for more values than are counted, before all are. */
const firstRows = 100_000;

/** @param most different values */
export function valueCounts(column: string, most = 1000): ValueCounts {
  const counts = new Map<string, number>();
  let gaveUp = false;
  return {
    column,
    counts: () => (gaveUp ? undefined : counts),
    take: (batch) => {
      const values = batch.column(column);
      const tallied = new Map<number, number>();
      const numbers = values.kind === 'text' ? values.codes : values.values;
      for (let row = 0; row < batch.rows; row++) {
        const value = numbers[row];
        if (value !== value || (values.kind === 'text' && value < 0) || gaveUp) continue;
        tallied.set(value, (tallied.get(value) ?? 0) + 1);
        if (tallied.size > most) gaveUp = true;
      }
      if (gaveUp) return;
      for (const [value, count] of tallied) {
        const name = groupName(batch, column, value);
        counts.set(name, (counts.get(name) ?? 0) + count);
      }
      if (counts.size > most) gaveUp = true;
    },
    ask: async (tables) => {
      const [name, position] = [sqlName(column), sqlName(positionColumn)];
      const [soon] = await tables.numbers(`SELECT count(DISTINCT ${name}) FROM ${wholeTable} WHERE ${position} < ${firstRows}`);
      gaveUp = soon > most;
      if (gaveUp) return;
      const found = await tables.frame(
        `SELECT ${name} AS value, count(*) AS times FROM ${wholeTable} WHERE ${name} IS NOT NULL GROUP BY 1 ORDER BY min(${position}) LIMIT ${most + 1}`,
      );
      gaveUp = found.rows > most;
      const [values, times] = [found.column('value'), found.numbers('times')];
      const numbers = values.kind === 'text' ? values.codes : values.values;
      for (let row = 0; row < found.rows; row++) counts.set(groupName(found, 'value', numbers[row]), times[row]);
    },
  };
}

/** What shows all rows to the counts of values. */
export function countsCollector(counts: ValueCounts): Omit<Collector, 'findings'> {
  return { reads: [counts.column], take: (batch) => counts.take(batch), ask: (tables) => counts.ask(tables) };
}

/** A value of a column as the name of a group. @param value a number, an instant or a code of a text */
export function groupName(frame: Frame, column: string, value: number): string {
  const values = frame.column(column);
  if (values.kind === 'text') return values.dictionary[value];
  if (values.kind === 'instant') return new Date(value).toISOString();
  return frame.typeOf(column) === 'boolean' ? String(value !== 0) : String(value);
}
