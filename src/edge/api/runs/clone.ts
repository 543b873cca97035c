import type { Actor, RunClone, RunCloneRequest } from '#contract';
import { GyreError } from '#core';
import { clonedFromTag, ownRunId, publicRunId } from '#training';
import type { ApiDeps } from '../port.ts';
import { checkoutOf } from './checkout.ts';

/** Tags of a run that say what its code is; a clone is of the same code. */
const codeTags = /^mlflow\.(source\.|project\.|gitRepoURL)/;

/**
 * Clones a run: one of our trainers is executed again; of any other a record is opened, which its own script logs to.
 * @throws GyreError NOT_FOUND, INVALID_ARGUMENT (parameters), PERMISSION_DENIED for an execution without the permission `build`
 */
export async function cloneRun(
  rooms: Pick<ApiDeps, 'data' | 'training' | 'loop'>,
  { run, by, mayBuild, ...changes }: RunCloneRequest & { readonly run: string; readonly by: Actor; readonly mayBuild: boolean },
): Promise<RunClone> {
  const source = await rooms.training.getRun(ownRunId(run));
  if (source.trainer === undefined) return openRecord(rooms, { ...changes, run: source.id, by });
  if (!mayBuild) throw new GyreError('PERMISSION_DENIED', 'the permission "build" is needed to train a run again', { run: source.id });
  const { id } = await rooms.loop.clone({ ...changes, run: source.id, by });
  return { how: 'executed', pipelineRun: id, commands: [] };
}

async function openRecord(
  rooms: Pick<ApiDeps, 'data' | 'training'>,
  { run, by, parameters = {}, seed, name }: RunCloneRequest & { readonly run: string; readonly by: Actor },
): Promise<RunClone> {
  if (seed !== undefined)
    throw new GyreError('INVALID_ARGUMENT', 'this run was logged from outside: its seed, if it has one, is one of its parameters', { run });
  const { tracking } = rooms.training;
  const source = await tracking.getRun(run);
  const tags = source.tags.filter(({ key }) => codeTags.test(key));
  const changed = Object.entries(parameters).map(([key, value]) => ({ key, value: String(value) }));
  const kept = source.parameters.filter(({ key }) => !Object.hasOwn(parameters, key));
  const made = await tracking.createRun({
    experiment: source.experiment,
    name: name ?? `${source.name}-clone`,
    tags: [...tags, { key: clonedFromTag, value: publicRunId(run) }],
    by,
  });
  await tracking.logBatch(made.id, { parameters: [...kept, ...changed] });
  await tracking.updateRun({ id: made.id, status: 'SCHEDULED', by });
  const { commands } = await checkoutOf(rooms, made.id);
  return {
    how: 'opened',
    run: made.id,
    commands,
  };
}
