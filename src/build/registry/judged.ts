import { isJudged, lackingEvidence } from '#contract';
import type { JudgedVersion, ModelVersion } from '#contract';
import { GyreError } from '#core';

/**
 * Insists on a version with all its evidence.
 * @param what needs it, such as `an explanation`
 * @throws GyreError FAILED_PRECONDITION naming what the version lacks
 */
export function requireJudged(version: ModelVersion, what: string): JudgedVersion {
  if (isJudged(version)) return version;
  const { id, model, version: number } = version;
  throw new GyreError(
    'FAILED_PRECONDITION',
    `${what} needs a version that Gyre has trained and tested; version ${number} of "${model}" lacks ${lackingEvidence(version).join(', ')}`,
    { id, model, version: number },
  );
}
