import { latencyBuckets } from '#contract';
import type { AnswerTotals } from '#contract';
import type { PairedBin } from '../charts/two-histograms.tsx';

/** Within what so many of the answers came, in milliseconds: the upper bound of the bucket; undefined without answers. */
export function latencyOf({ latencies, requests }: AnswerTotals, share: number): number | undefined {
  let left = Math.ceil(requests * share);
  for (const bucket of Object.keys(latencies)
    .map(Number)
    .toSorted((one, other) => one - other)) {
    left -= latencies[bucket];
    if (left <= 0) return latencyBuckets.leastMs * latencyBuckets.growth ** bucket;
  }
  return undefined;
}

/** What both versions said, over the same bins; undefined where they do not say the same kind of thing. */
export type SaidByBoth =
  | { readonly kind: 'numbers'; readonly bins: readonly PairedBin[] }
  | { readonly kind: 'labels'; readonly values: readonly { readonly value: string; readonly from: number; readonly to: number }[] };

const twentieths = 20;
const valueGrowth = 1.01;
const leastValue = 1e-12;
/** A picture of more bars shows no more. */
const mostBars = 40;

export function saidByBoth({ predictions: stable }: AnswerTotals, { predictions: candidate }: AnswerTotals): SaidByBoth | undefined {
  if (stable === undefined || candidate === undefined || stable.kind !== candidate.kind) return undefined;
  const countsAt = (bin: string | number) => ({ from: stable.bins[bin] ?? 0, to: candidate.bins[bin] ?? 0 });
  if (stable.kind === 'label') {
    const labels = [...new Set([...Object.keys(stable.bins), ...Object.keys(candidate.bins)])].sort();
    return { kind: 'labels', values: labels.map((value) => ({ value, ...countsAt(value) })) };
  }
  if (stable.kind === 'probability')
    return {
      kind: 'numbers',
      bins: Array.from({ length: twentieths }, (_, bin) => ({ low: bin / twentieths, high: (bin + 1) / twentieths, ...countsAt(bin) })),
    };
  const values = [...new Set([...Object.keys(stable.bins), ...Object.keys(candidate.bins)])]
    .map(Number)
    .filter((bin) => !Number.isNaN(bin))
    .map((bin) => ({ value: valueOf(bin), ...countsAt(bin) }));
  const [low, high] = [Math.min(...values.map(({ value }) => value)), Math.max(...values.map(({ value }) => value))];
  const width = (high - low || Math.abs(low) || 1) / mostBars;
  const bins = Array.from({ length: mostBars }, (_, at) => ({ low: low + at * width, high: low + (at + 1) * width, from: 0, to: 0 }));
  for (const { value, from, to } of values) {
    const bin = bins[Math.min(mostBars - 1, Math.floor((value - low) / width))];
    bin.from += from;
    bin.to += to;
  }
  return { kind: 'numbers', bins };
}

/** The size of a value by its number: those of one number differ by a hundredth at most. */
function valueOf(bin: number): number {
  return bin === 0 ? 0 : Math.sign(bin) * leastValue * valueGrowth ** Math.abs(bin);
}
