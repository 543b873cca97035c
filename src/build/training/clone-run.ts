import type { Run } from '#contract';
import { GyreError } from '#core';
import { resolveParams } from '#learners';
import type { LearnerParams } from '#learners';
import { planOf } from './execute.ts';
import type { CloneRun, ClonePlan, RunChanges, TrainingDeps } from './port.ts';
import type { RunLog } from './run-log.ts';
import { loadParts } from './study.ts';
import { publicRunId } from './tracking/words.ts';
import { trainRun } from './train-run.ts';

/** Names the run that another was cloned from, as clients know it. */
export const clonedFromTag = 'gyre.cloned_from';

/** See `Training.clonePlan`. */
export function clonePlan(run: Run, { parameters = {}, seed, name }: RunChanges): ClonePlan {
  const plan = planOf(run);
  const changes: LearnerParams = Object.fromEntries(
    Object.entries(parameters).map(([key, value]) => {
      if (typeof value === 'number') return [key, value];
      throw new GyreError('INVALID_ARGUMENT', `"${key}" of "${plan.trainer}" is ${JSON.stringify(value)}: a number is needed`, {
        name: key,
      });
    }),
  );
  return {
    name: name ?? `${run.name}-clone`,
    trainer: plan.trainer,
    parameters: resolveParams(plan.trainer, { ...plan.params, ...changes }),
    seed: seed ?? plan.seed,
  };
}

/** See `Training.cloneRun`. */
export async function cloneRun(deps: TrainingDeps, runs: RunLog, source: Run, request: CloneRun): Promise<Run> {
  const { features } = deps;
  const { validation, transform: digest, trainer } = planOf(source);
  const { name, parameters, seed } = clonePlan(source, request);
  const transform = await features.get(digest);
  const parts = await loadParts(deps, transform, await features.trainedOn(transform), validation);
  const { graph, features: value } = await features.graphOf(transform);
  const { code, environment, by, workers, signal, onLine, tags = {} } = request;
  return trainRun(deps, runs, {
    start: {
      experiment: (await runs.experiments()).find(({ id }) => id === source.experiment)?.name ?? source.experiment,
      name,
      trainer,
      parameters,
      tags: { ...tags, [clonedFromTag]: publicRunId(source.id) },
      seed,
      inputs: source.inputs,
      code,
      environment,
      by,
    },
    trainer,
    params: parameters,
    seed,
    parts,
    graph,
    features: value,
    classes: transform.classes,
    ...(workers === undefined ? {} : { workers }),
    ...(signal === undefined ? {} : { signal }),
    ...(onLine === undefined ? {} : { onLine }),
  });
}
