import type { GuardedKind } from '#contract';
import { GyreError, hasCode } from '#core';
import { ownRunId } from '#training';
import type { RecordLookups } from './authorize.ts';
import type { MlflowOptions } from './port.ts';

/** A run stays in its experiment, so that what is known of it holds. */
const mostRuns = 10_000;

/** Finds the experiments that requests are about by the records that they name. */
export function openLookups({ training, registry }: Pick<MlflowOptions, 'training' | 'registry'>): RecordLookups {
  const experiments = new Map<string, string>();
  const { tracking } = training;
  return {
    async experimentOfRun(run) {
      const known = experiments.get(run);
      if (known !== undefined) return known;
      const experiment = await tracking.experimentOfRun(ownRunId(run));
      if (experiment === undefined) return undefined;
      for (const oldest of experiments.keys()) {
        if (experiments.size < mostRuns) break;
        experiments.delete(oldest);
      }
      experiments.set(run, experiment);
      return experiment;
    },
    experimentOfLoggedModel: (model) => training.loggedModels.experimentOf(model),
    modelOfVersion: async (version) => (await orNothing(registry.getById(version)))?.model,
    experimentNamed: async (name) => (await tracking.experimentNamed(name))?.id,
    has: async (kind, record) =>
      kind === 'experiment'
        ? (await orNothing(tracking.getExperiment(record))) !== undefined
        : (await orNothing(registry.getModel(record))) !== undefined,
  };
}

/** @throws GyreError NOT_FOUND: what is granted on a record that is not there would be gone once it is made */
export async function requireRecord(lookups: RecordLookups, kind: GuardedKind, record: string): Promise<void> {
  if (await lookups.has(kind, record)) return;
  const words = kind === 'experiment' ? `No Experiment with id=${record} exists` : `Registered Model with name=${record} not found`;
  throw new GyreError('NOT_FOUND', words, { kind, record });
}

async function orNothing<T>(finding: Promise<T>): Promise<T | undefined> {
  try {
    return await finding;
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
}
