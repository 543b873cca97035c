import type { ValueRow } from './table-store.ts';

/*
 * Runs put in the order of a value, when all of them are wanted: values are read once from end to end, along their index. Pure.
 */

/**
 * Puts runs in the order of a value; where it is the same, and for those that have none, the order they come in stays.
 * @param runs positions
 * @param ranks each with rows in rising order of their value: first numbers, say, then what is none; runs that are not among `runs` are passed over
 */
export function inOrderOf(runs: readonly number[], ranks: readonly (readonly ValueRow[])[], ascending: boolean): readonly number[] {
  // Places by position: a map of a hundred thousand would cost more than all the rest.
  const placeOf = new Int32Array(runs.reduce((most, run) => Math.max(most, run), 0) + 1).fill(-1);
  runs.forEach((run, at) => {
    placeOf[run] = at;
  });
  const ordered = new Int32Array(runs.length);
  let length = 0;
  for (const rows of ranks) {
    for (let read = 0; read < rows.length;) {
      const value = at(rows, read, ascending)[1];
      const begin = length;
      for (; read < rows.length && at(rows, read, ascending)[1] === value; read++) {
        const place = placeOf[Number(at(rows, read, ascending)[0])] ?? -1;
        if (place >= 0) ordered[length++] = place;
      }
      if (length - begin > 1) ordered.subarray(begin, length).sort();
    }
  }
  const positions = Array.from(ordered.subarray(0, length), (place) => runs[place]);
  for (const position of positions) placeOf[position] = -1;
  for (const run of runs) if (placeOf[run] >= 0) positions.push(run);
  return positions;
}

const at = (rows: readonly ValueRow[], index: number, ascending: boolean): ValueRow => rows[ascending ? index : rows.length - 1 - index];
