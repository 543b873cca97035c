import type { AnswerTotals } from '#contract';
import { chiSquaredCritical, populationStabilityIndex } from '#stats';

type Predictions = NonNullable<AnswerTotals['predictions']>;
type Said = Pick<AnswerTotals, 'predictions' | 'requests'>;

/** Bins of numbers, for which the version that is live gives the borders: so many of about the same size. */
const groups = 10;
/** Of the noise that is taken off: it is looked at often. */
const noiseTail = 0.001;

export interface Distance {
  /** Population stability index, in nats. */
  readonly distance: number;
  /** What two samples of one distribution rarely exceed. */
  readonly noise: number;
  readonly stable: number;
  readonly candidate: number;
}

/**
 * How far what a candidate predicts lies from what the version that is live predicts, by the population stability index over the same bins. Under
 * one distribution the index of samples of n and m is (1/n + 1/m) times a chi-squared with (bins - 1) degrees of freedom, asymptotically
 * (Yurdakul 2018, "Statistical Properties of Population Stability Index").
 * @returns undefined where they do not say the same kind of thing, or one of them nothing
 */
export function predictionDistance(
  { predictions: stable, ...ofStable }: Said,
  { predictions: candidate, ...ofCandidate }: Said,
): Distance | undefined {
  if (stable === undefined || candidate === undefined || stable.kind !== candidate.kind) return undefined;
  if (total(stable) === 0 || total(candidate) === 0) return undefined;
  // Rows of one request are no independent samples.
  const [n, m] = [Math.min(total(stable), ofStable.requests), Math.min(total(candidate), ofCandidate.requests)];
  const keys = [...new Set([...Object.keys(stable.bins), ...Object.keys(candidate.bins)])];
  const bins = stable.kind === 'label' ? keys.map((key) => [key]) : grouped(keys.toSorted(byOrder), stable.bins, total(stable));
  const countsOf = ({ bins: counts }: Predictions): number[] => bins.map((bin) => bin.reduce((sum, key) => sum + (counts[key] ?? 0), 0));
  const noise = bins.length < 2 ? 0 : (1 / n + 1 / m) * chiSquaredCritical(noiseTail, bins.length - 1);
  return {
    distance: populationStabilityIndex(countsOf(stable), countsOf(candidate)),
    noise,
    stable: total(stable),
    candidate: total(candidate),
  };
}

function total({ bins }: Predictions): number {
  return Object.values(bins).reduce((sum, count) => sum + count, 0);
}

/** Numbers in their order, what is no number last. */
function byOrder(one: string, other: string): number {
  const [a, b] = [Number(one), Number(other)];
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a - b;
}

/** Neighbours together until a group has its part of the reference; what is no number stands alone. */
function grouped(keys: readonly string[], reference: Readonly<Record<string, number>>, count: number): readonly (readonly string[])[] {
  const made: string[][] = [];
  let open: string[] = [];
  let held = 0;
  for (const key of keys) {
    if (Number.isNaN(Number(key))) {
      made.push([key]);
      continue;
    }
    open.push(key);
    held += reference[key] ?? 0;
    if (held < count / groups) continue;
    made.push(open);
    [open, held] = [[], 0];
  }
  if (open.length === 0) return made;
  // What lies beyond the reference's last border is a group of its own: there a shift shows.
  return [...made, open];
}
