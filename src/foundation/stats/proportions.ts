import { GyreError } from '#core';
import { normalQuantile } from './special.ts';

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * Wilson's score interval of a proportion (Wilson 1927): well-behaved near 0 and 1 and for few trials.
 * @throws GyreError INVALID_ARGUMENT when trials is not positive or successes is outside 0 … trials
 */
export function wilsonInterval(successes: number, trials: number, confidence = 0.95): Interval {
  if (!(trials > 0 && successes >= 0 && successes <= trials))
    throw new GyreError(
      'INVALID_ARGUMENT',
      `${successes} of ${trials} is no proportion: at least one trial, and no more successes than trials`,
    );
  const z = normalQuantile(1 - (1 - confidence) / 2);
  const share = successes / trials;
  const scale = 1 + (z * z) / trials;
  const centre = share + (z * z) / (2 * trials);
  const half = z * Math.sqrt((share * (1 - share)) / trials + (z * z) / (4 * trials * trials));
  return { low: successes === 0 ? 0 : (centre - half) / scale, high: successes === trials ? 1 : (centre + half) / scale };
}
