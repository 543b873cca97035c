import { GyreError } from '#core';
import type { TrackedExperiment } from './port.ts';

/** The tag that clients know a run's name by; it is no tag here but the name. */
export const runNameTag = 'mlflow.runName';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** A run's id as clients outside know it: 32 hex digits; what was brought along under another id keeps that. */
export function publicRunId(id: string): string {
  return uuid.test(id) ? id.replaceAll('-', '') : id;
}

/** A run's id as it is kept here. */
export function ownRunId(id: string): string {
  if (!/^[0-9a-f]{32}$/.test(id)) return id;
  return `${id.slice(0, 8)}-${id.slice(8, 12)}-${id.slice(12, 16)}-${id.slice(16, 20)}-${id.slice(20)}`;
}

/** Where artifacts of an experiment without a place of its own lie: in Gyre. */
export const ownArtifacts = 'mlflow-artifacts:/';

/** Where the artifacts of an experiment lie, as its clients know it. */
export function artifactRootOf({ id, artifactLocation }: Pick<TrackedExperiment, 'id' | 'artifactLocation'>): string {
  return artifactLocation ?? `${ownArtifacts}${id}`;
}

export function unknownRun(id: string): GyreError {
  return new GyreError('NOT_FOUND', `Run with id=${publicRunId(id)} not found`, { run: id });
}

export function deletedRun(id: string): GyreError {
  return new GyreError('FAILED_PRECONDITION', `The run ${publicRunId(id)} must be in the 'active' state. Current state is deleted.`, {
    run: id,
  });
}

export function unknownExperiment(id: string): GyreError {
  return new GyreError('NOT_FOUND', `No Experiment with id=${id} exists`, { experiment: id });
}
