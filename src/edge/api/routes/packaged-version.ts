import { executesCode, executesCodeOnLoad } from '#contract';
import type { ModelVersion, Readiness } from '#contract';
import { GyreError } from '#core';

/** @throws GyreError FAILED_PRECONDITION for a version that no image can hold */
export function requirePackage(version: ModelVersion): void {
  const title = `${version.model} version ${version.version}`;
  if (version.deletedAt !== undefined) throw new GyreError('FAILED_PRECONDITION', `${title} was deleted on ${version.deletedAt}`);
  if (version.package === undefined)
    throw new GyreError('FAILED_PRECONDITION', `${title} has no files in Gyre, so no image can hold it`, { modelVersion: version.id });
  if (executesCodeOnLoad(version))
    throw new GyreError('FAILED_PRECONDITION', `${title} ${executesCode}; an image has no Python: convert the model first (gyre convert)`, {
      modelVersion: version.id,
    });
}

/** @throws GyreError FAILED_PRECONDITION when a gate of the environment is not passed */
export function requireReady({ id, model, version }: ModelVersion, { environment, ready, missing }: Readiness): void {
  if (ready) return;
  throw new GyreError(
    'FAILED_PRECONDITION',
    `${model} version ${version} may not run as "${environment}": ${missing.map(({ reason }) => reason).join('; ')}`,
    { modelVersion: id, environment, missing },
  );
}
