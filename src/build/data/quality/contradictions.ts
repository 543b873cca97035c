import type { FailingExample } from '#contract';
import type { Collector } from './collector.ts';
import { warning } from './limits.ts';
import { exampleAt, rowNumber } from '../masking.ts';
import { examplesKept, shareFinding } from './row-check.ts';
import { askContradictions } from './ask-contradictions.ts';
import { hashIndex, hashRows } from './row-hash.ts';
import type { QualitySubject } from './subject.ts';

/** Rows that are alike in every feature and differ in the target; all rows of such a group count. */
export function contradictions({ masked }: QualitySubject, features: readonly string[], target: string): Collector {
  const examples: FailingExample[] = [];
  const groups = groupList();
  let applied = 0;
  let found: { readonly torn: number; readonly count: number } | undefined;
  return {
    reads: [...features, target],
    ask: async (tables) => {
      const asked = await askContradictions(tables, features, target, examplesKept);
      [applied, found] = [asked.applied, asked];
      asked.rows.forEach(({ at, first }, row) => {
        examples.push({ ...exampleAt(asked.shown, target, row, masked, at - row), note: noteOf(first) });
      });
    },
    take: (batch, firstRow) => {
      const { high, low } = hashRows(batch, features);
      // the label by a hash too: a text's code is one of its batch only
      const labels = hashRows(batch, [target]);
      const column = batch.column(target);
      for (let row = 0; row < batch.rows; row++) {
        if (column.kind === 'text' ? column.codes[row] < 0 : Number.isNaN(column.values[row])) continue;
        applied++;
        const first = groups.add(high[row], low[row], labels.high[row] * 2 ** 21 + (labels.low[row] >>> 11), firstRow + row);
        if (first === undefined || examples.length >= examplesKept) continue;
        examples.push({ ...exampleAt(batch, target, row, masked, firstRow), note: noteOf(first) });
      }
    },
    findings: () => {
      const { count, torn } = found ?? groups.torn();
      const failed = (rows: number): string => `${rows} rows are alike in every feature and differ in ${target}, in ${torn} groups`;
      const passed = `rows alike in every feature agree on ${target}`;
      return [shareFinding({ name: 'consistent labels', column: target, limits: warning, failed, passed }, { count, applied, examples })];
    },
  };
}

const noteOf = (first: number): string => `row ${rowNumber(first)} is alike and says otherwise`;

/** Groups of rows by hash, each with the label and the position of its first row; kept in typed arrays. */
function groupList(): {
  /** @returns the first row of the group, when this row contradicts it */
  add(high: number, low: number, label: number, row: number): number | undefined;
  torn(): { torn: number; count: number };
} {
  const index = hashIndex();
  let labels = new Float64Array(1024);
  let firsts = new Float64Array(1024);
  let counts = new Uint32Array(1024);
  let flags = new Uint8Array(1024);
  return {
    add: (high, low, label, row) => {
      const before = index.size;
      const group = index.add(high, low);
      if (group === before) {
        if (group === labels.length) {
          labels = doubled(labels, Float64Array);
          firsts = doubled(firsts, Float64Array);
          counts = doubled(counts, Uint32Array);
          flags = doubled(flags, Uint8Array);
        }
        labels[group] = label;
        firsts[group] = row;
        counts[group] = 1;
        return undefined;
      }
      counts[group]++;
      if (labels[group] === label) return undefined;
      flags[group] = 1;
      return firsts[group];
    },
    torn: () => {
      let [torn, count] = [0, 0];
      for (let group = 0; group < index.size; group++) {
        if (flags[group] === 0) continue;
        torn++;
        count += counts[group];
      }
      return { torn, count };
    },
  };
}

function doubled<A extends Float64Array | Uint32Array | Uint8Array>(array: A, make: new (length: number) => A): A {
  const next = new make(array.length * 2);
  next.set(array);
  return next;
}
