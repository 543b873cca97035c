import type { FailingExample } from '#contract';
import { cellOf, isMissing } from '#tables';
import { partRanges, placeOf } from '../splits/hash-split.ts';
import { known } from './collector.ts';
import type { Collector } from './collector.ts';
import { unmeasured, warning } from './limits.ts';
import { exampleAt } from '../masking.ts';
import { examplesKept, shareFinding } from './row-check.ts';
import { hashIndex, hashRows } from './row-hash.ts';
import type { QualitySubject } from './subject.ts';

/** About so many rows are dealt to parts: each costs a SHA-256. */
const rowsDealt = 200_000;

/**
 * The same row on both sides of a split: what a model learned by heart is asked of it again. Rows are alike when they agree in every
 * column but the key. Of a large table a share is looked at, chosen by the hash of those columns, so that all copies of a row are in it.
 */
export function leakage({ batches, request, masked }: QualitySubject, features: readonly string[]): Collector {
  const { key, split } = request;
  const name = 'no leak between parts';
  if (split === undefined) return known(unmeasured(name, 'no split was named'));
  if (key === undefined) return known(unmeasured(name, 'rows have no key and are dealt by all their values: equal rows are on one side'));
  const ranges = partRanges(split.parts);
  const stride = Math.max(1, Math.ceil(batches.rows / rowsDealt));
  const index = hashIndex();
  const parts: number[] = [];
  const between = new Map<string, number>();
  let [count, applied] = [0, 0];
  const examples: FailingExample[] = [];
  return {
    reads: [...features, key],
    take: (batch, firstRow) => {
      const { high, low } = hashRows(batch, features);
      const keys = batch.column(key);
      const type = batch.typeOf(key);
      for (let row = 0; row < batch.rows; row++) {
        if (high[row] % stride !== 0 || isMissing(keys, row)) continue;
        applied++;
        const place = placeOf(String(cellOf(keys, type, row)), split.salt);
        const part = ranges.findIndex((range) => place < range.high);
        const before = index.size;
        const group = index.add(high[row], low[row]);
        if (group === before) {
          parts.push(part);
          continue;
        }
        if (parts[group] === part) continue;
        count++;
        const pair = [parts[group], part]
          .sort((left, right) => left - right)
          .map((at) => ranges[at].part)
          .join(' and ');
        between.set(pair, (between.get(pair) ?? 0) + 1);
        if (examples.length < examplesKept) examples.push({ ...exampleAt(batch, key, row, masked, firstRow), note: `stands in ${pair}` });
      }
    },
    findings: () => {
      const pairs = [...between].sort(([, left], [, right]) => right - left).map(([pair, rows]) => `${pair}: ${rows}`);
      const finding = shareFinding(
        {
          name,
          column: key,
          limits: warning,
          failed: (rows) => `${rows} rows repeat a row of another part (${pairs.slice(0, 3).join('; ')})`,
          passed: 'no row of one part stands in another',
        },
        { count, applied, examples },
      );
      return [stride === 1 ? finding : { ...finding, sampled: applied }];
    },
  };
}
