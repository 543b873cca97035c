/** So many numbers are sorted in memory; among more the ones asked for are narrowed down, looking at them again. */
const mostSorted = 4_000_000;
const bins = 4096;

type Stream = (take: (values: Float64Array) => void) => Promise<void>;

/**
 * The numbers at some ranks of a stream's rising order, in bounded memory.
 * @param stream shows the numbers, without NaN, again each time that it is called
 * @param ranksOf gives the ranks (from 0) for a count of numbers @returns empty when there is no number
 */
export async function valuesAtRanks(
  stream: Stream,
  ranksOf: (count: number) => readonly number[],
  most = mostSorted,
): Promise<readonly number[]> {
  let [count, low, high] = [0, Infinity, -Infinity];
  let kept = new Float64Array(Math.min(most, 1024));
  await stream((values) => {
    for (const value of values) {
      if (value < low) low = value;
      if (value > high) high = value;
      if (count < most) {
        if (count === kept.length) kept = wider(kept, most);
        kept[count] = value;
      }
      count++;
    }
  });
  if (count === 0) return [];
  const ranks = ranksOf(count);
  if (count <= most) {
    const rising = kept.subarray(0, count).sort();
    return ranks.map((rank) => rising[rank]);
  }
  const found: number[] = [];
  for (const rank of ranks) found.push(await narrowed(stream, { rank, low, high, count }, most));
  return found;
}

const wider = (array: Float64Array, most: number): Float64Array<ArrayBuffer> => {
  const next = new Float64Array(Math.min(most, array.length * 2));
  next.set(array);
  return next;
};

/** Numbers from `low` to `high`, `count` of them, and the rank among them of the one that is looked for. */
interface Span {
  readonly rank: number;
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

async function narrowed(stream: Stream, span: Span, most: number): Promise<number> {
  const { rank, low, high, count } = span;
  if (low === high) return low;
  if (count <= most) {
    const kept = new Float64Array(count);
    let at = 0;
    await stream((values) => {
      for (const value of values) if (value >= low && value <= high) kept[at++] = value;
    });
    return kept.sort()[rank];
  }
  // by halves, so that the width of the widest span is a number
  const scale = bins / (high / 2 - low / 2) / 2;
  const binOf = (value: number): number => Math.max(0, Math.min(bins - 1, Math.floor((value / 2 - low / 2) * 2 * scale)));
  const counts = new Float64Array(bins);
  const lows = new Float64Array(bins).fill(Infinity);
  const highs = new Float64Array(bins).fill(-Infinity);
  await stream((values) => {
    for (const value of values) {
      if (value < low || value > high) continue;
      const bin = binOf(value);
      counts[bin]++;
      if (value < lows[bin]) lows[bin] = value;
      if (value > highs[bin]) highs[bin] = value;
    }
  });
  let [bin, below] = [0, 0];
  while (below + counts[bin] <= rank) below += counts[bin++];
  return narrowed(stream, { rank: rank - below, low: lows[bin], high: highs[bin], count: counts[bin] }, most);
}
