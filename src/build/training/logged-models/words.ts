import { GyreError } from '#core';
import { artifactRootOf } from '../tracking/words.ts';
import type { LoggedModel } from './port.ts';

/** Where the artifacts of a logged model lie, as its clients know it. */
export function modelArtifactsOf({
  id,
  experiment,
  artifactLocation,
}: Pick<LoggedModel, 'id' | 'experiment' | 'artifactLocation'>): string {
  const root = artifactRootOf({ id: experiment, ...(artifactLocation === undefined ? {} : { artifactLocation }) });
  return `${root.replace(/\/+$/, '')}/models/${id}/artifacts`;
}

export function unknownModel(id: string): GyreError {
  return new GyreError('NOT_FOUND', `Logged model with ID '${id}' not found.`, { model: id });
}
