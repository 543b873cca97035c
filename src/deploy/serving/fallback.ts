import { isGyreError } from '#core';
import type { ErrorCode } from '#core';

/** Why another model answered than the one that was asked. */
export type FallbackReason = 'failed' | 'late';

/** What another model would answer no better: the request is at fault, or nobody waits any more. */
const asTheyAre: ReadonlySet<ErrorCode> = new Set(['INVALID_ARGUMENT', 'OUT_OF_RANGE', 'DEADLINE_EXCEEDED', 'CANCELLED']);

/**
 * Asks a model, and another one when the first fails or has not answered in time; then the first answer of both counts.
 * @param afterMs when the other one is asked as well; left out: only when the first fails
 * @throws GyreError the first model's error when the other one fails as well, or would not do better
 */
export async function withFallback<T>(
  first: () => Promise<T>,
  other: () => Promise<T>,
  afterMs: number | undefined,
): Promise<{ readonly value: T; readonly reason?: FallbackReason }> {
  const asked = first();
  const late = Promise.withResolvers<'late'>();
  const timer = afterMs === undefined ? undefined : setTimeout(() => late.resolve('late'), afterMs);
  try {
    const came = await Promise.race([asked.then((value) => ({ value })), late.promise]);
    if (came !== 'late') return came;
    const spare = other().then((value) => ({ value, reason: 'late' as const }));
    return await Promise.any([asked.then((value) => ({ value })), spare]).catch(async () => ({ value: await asked }));
  } catch (error) {
    if (isGyreError(error) && asTheyAre.has(error.code)) throw error;
    try {
      return { value: await other(), reason: 'failed' };
    } catch {
      throw error;
    }
  } finally {
    clearTimeout(timer);
  }
}
