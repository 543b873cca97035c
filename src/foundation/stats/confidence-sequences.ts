import { GyreError } from '#core';
import type { Interval } from './proportions.ts';
import { logGamma } from './special.ts';

/** Jeffreys' prior of the mixture: sharp for rare events and for common ones. */
const prior = 0.5;

/**
 * A proportion's confidence sequence: an interval after each trial, all of which hold at once with at least the confidence, however often
 * one looks and whenever one stops. By Robbins' method of mixtures (Robbins 1970; Howard, Ramdas, McAuliffe and Sekhon 2021, "Time-uniform,
 * nonparametric, nonasymptotic confidence sequences"): the likelihood ratio of a Beta(1/2, 1/2) mixture to p is a martingale under p that
 * begins at 1, so that it ever reaches 1 / (1 - confidence) with at most the probability 1 - confidence (Ville 1939).
 * @param successes of so many @param trials 0: nothing is known
 * @throws GyreError INVALID_ARGUMENT when successes is outside 0 … trials
 */
export function proportionSequence(successes: number, trials: number, confidence: number): Interval {
  if (!(trials >= 0 && successes >= 0 && successes <= trials))
    throw new GyreError('INVALID_ARGUMENT', `${successes} of ${trials} is no proportion: no more successes than trials`);
  if (trials === 0) return { low: 0, high: 1 };
  const failures = trials - successes;
  const mixture = logBeta(prior + successes, prior + failures) - logBeta(prior, prior);
  const limit = -Math.log(1 - confidence);
  const isOut = (p: number): boolean => mixture - weighted(successes, p) - weighted(failures, 1 - p) >= limit;
  const share = successes / trials;
  return {
    low: successes === 0 ? 0 : border(0, share, isOut),
    high: failures === 0 ? 1 : border(1, share, isOut),
  };
}

function logBeta(a: number, b: number): number {
  return logGamma(a) + logGamma(b) - logGamma(a + b);
}

/** n ln p, where no trial says nothing. */
function weighted(count: number, p: number): number {
  return count === 0 ? 0 : count * Math.log(p);
}

/** Between what is out and what is in: the ratio is convex in p and least at the share that was seen. */
function border(out: number, inside: number, isOut: (p: number) => boolean): number {
  let [far, near] = [out, inside];
  for (let k = 0; k < 60; k++) {
    const middle = (far + near) / 2;
    if (isOut(middle)) far = middle;
    else near = middle;
  }
  return far;
}
