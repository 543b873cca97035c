import { isJudged, isTrained, lackingEvidence } from '#contract';
import type { JudgedVersion, ModelVersion, TrainedVersion } from '#contract';
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
    `${what} needs a version that Gyre has tested; version ${number} of "${model}" lacks ${lackingEvidence(version).join(', ')}`,
    { id, model, version: number },
  );
}

/**
 * Insists on a version that Gyre has trained itself.
 * @param what needs it, such as `an explanation`
 * @throws GyreError FAILED_PRECONDITION saying who brought the version and when, or naming what it lacks
 */
export function requireTrained(version: ModelVersion, what: string): TrainedVersion {
  if (isTrained(version)) return version;
  const { id, model, version: number } = version;
  if (version.brought === undefined) requireJudged(version, what);
  throw new GyreError(
    'FAILED_PRECONDITION',
    `${what} needs a version that Gyre has trained; version ${number} of "${model}" was trained elsewhere and brought by ${version.createdBy.name} on ${version.createdAt}: its files are kept by their digests, its training is not known here`,
    { id, model, version: number },
  );
}
