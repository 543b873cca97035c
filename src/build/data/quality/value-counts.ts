import type { Frame } from '#tables';

/** How often each value of a column occurs. */
export interface ValueCounts {
  take(batch: Frame): void;
  /** Undefined when there are more different values than are counted: then they are no groups. */
  counts(): ReadonlyMap<string, number> | undefined;
  readonly missing: number;
}

/** @param most different values */
export function valueCounts(column: string, most = 1000): ValueCounts {
  const counts = new Map<string, number>();
  let missing = 0;
  let gaveUp = false;
  return {
    get missing() {
      return missing;
    },
    counts: () => (gaveUp ? undefined : counts),
    take: (batch) => {
      const values = batch.column(column);
      const tallied = new Map<number, number>();
      const numbers = values.kind === 'text' ? values.codes : values.values;
      for (let row = 0; row < batch.rows; row++) {
        const value = numbers[row];
        if (value !== value || (values.kind === 'text' && value < 0)) missing++;
        else if (!gaveUp) {
          tallied.set(value, (tallied.get(value) ?? 0) + 1);
          if (tallied.size > most) gaveUp = true;
        }
      }
      if (gaveUp) return;
      for (const [value, count] of tallied) {
        const name = groupName(batch, column, value);
        counts.set(name, (counts.get(name) ?? 0) + count);
      }
      if (counts.size > most) gaveUp = true;
    },
  };
}

/** A value of a column as the name of a group. @param value a number, an instant or a code of a text */
export function groupName(frame: Frame, column: string, value: number): string {
  const values = frame.column(column);
  if (values.kind === 'text') return values.dictionary[value];
  if (values.kind === 'instant') return new Date(value).toISOString();
  return frame.typeOf(column) === 'boolean' ? String(value !== 0) : String(value);
}
