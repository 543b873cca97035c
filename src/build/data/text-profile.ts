import type { Batches } from './quality/batches.ts';
import { hashRows } from './quality/row-hash.ts';
import { valueCounts } from './quality/value-counts.ts';

const topValues = 20;
/** A column with more different values is counted by the hashes of its values. */
const mostCounted = 50_000;

export interface TextFigures {
  readonly count: number;
  readonly distinct: number;
  readonly top: readonly { readonly value: string; readonly count: number }[];
  readonly minLength: number;
  readonly maxLength: number;
}

/**
 * How many values a text column has, how many different ones, the most frequent ones, and lengths in UTF-16 code units.
 * Up to 50,000 different values are counted by name. More are counted by a 53-bit hash, 8 bytes a row: that two of n different values
 * share one has a chance of n squared / 2^54, and would make one too few.
 */
export async function textProfile(batches: Batches, name: string): Promise<TextFigures> {
  const counts = valueCounts(name, mostCounted);
  let [minLength, maxLength] = [Infinity, 0];
  let hashed = 0;
  let count = 0;
  await batches.each([name], (batch) => {
    const { codes, dictionary } = batch.texts(name);
    const seen = new Uint8Array(dictionary.length);
    for (const code of codes) {
      if (code < 0) continue;
      count++;
      if (seen[code] !== 0) continue;
      seen[code] = 1;
      const { length } = dictionary[code];
      if (length < minLength) minLength = length;
      if (length > maxLength) maxLength = length;
    }
    counts.take(batch);
  });
  const named = counts.counts();
  if (named !== undefined) return { count, distinct: named.size, top: topOf([...named]), minLength, maxLength };
  const hashes = new Float64Array(count);
  await batches.each([name], (batch) => {
    const { codes } = batch.texts(name);
    const { high, low } = hashRows(batch, [name]);
    for (let row = 0; row < batch.rows; row++) if (codes[row] >= 0) hashes[hashed++] = high[row] * 2 ** 21 + (low[row] >>> 11);
  });
  hashes.sort();
  const { distinct, frequent } = runsOf(hashes);
  const wanted = new Map(frequent.map((each) => [each.hash, each.count]));
  const top: [string, number][] = [];
  await batches.each([name], (batch) => {
    if (wanted.size === 0) return;
    const { codes, dictionary } = batch.texts(name);
    const { high, low } = hashRows(batch, [name]);
    for (let row = 0; row < batch.rows; row++) {
      if (codes[row] < 0) continue;
      const hash = high[row] * 2 ** 21 + (low[row] >>> 11);
      const found = wanted.get(hash);
      if (found === undefined) continue;
      wanted.delete(hash);
      top.push([dictionary[codes[row]], found]);
    }
  });
  return { count, distinct, top: topOf(top), minLength, maxLength };
}

const topOf = (counts: [string, number][]): TextFigures['top'] =>
  counts
    .sort(([a, left], [b, right]) => right - left || (a < b ? -1 : 1))
    .slice(0, topValues)
    .map(([value, count]) => ({ value, count }));

/** Runs of equal hashes: how many, and the longest ones. @param rising in rising order */
function runsOf(rising: Float64Array): { distinct: number; frequent: { hash: number; count: number }[] } {
  let distinct = 0;
  let frequent: { hash: number; count: number }[] = [];
  let least = 0;
  for (let start = 0; start < rising.length;) {
    let end = start + 1;
    while (end < rising.length && rising[end] === rising[start]) end++;
    distinct++;
    if (end - start > least) {
      frequent.push({ hash: rising[start], count: end - start });
      if (frequent.length >= topValues * 2) {
        frequent = frequent.sort((left, right) => right.count - left.count).slice(0, topValues);
        least = frequent[topValues - 1].count;
      }
    }
    start = end;
  }
  return { distinct, frequent: frequent.sort((left, right) => right.count - left.count).slice(0, topValues) };
}
