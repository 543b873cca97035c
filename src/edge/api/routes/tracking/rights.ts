import type { Principal, RecordAction } from '#access';
import { GyreError } from '#core';
import type { ApiDeps } from '../../port.ts';

type Rooms = Pick<ApiDeps, 'access' | 'training'>;

/** The experiments, of these or of all, that somebody may read. */
export async function readableExperiments(
  { access, training }: Rooms,
  principal: Principal,
  asked: readonly string[] | undefined,
): Promise<readonly string[]> {
  const rights = await access.grants.rightsOf(principal);
  const all = asked ?? (await training.experiments()).map(({ id }) => id);
  return all.filter((id) => rights.may('read', 'experiment', id));
}

/** @throws GyreError NOT_FOUND; PERMISSION_DENIED when the caller may not do this to a run's experiment */
export async function requireRuns(
  { access, training }: Rooms,
  principal: Principal,
  action: RecordAction,
  runs: readonly string[],
): Promise<void> {
  const rights = await access.grants.rightsOf(principal);
  const experiments = await training.tracking.experimentsOfRuns(runs);
  for (const run of runs) {
    const experiment = experiments.get(run);
    if (experiment === undefined) throw new GyreError('NOT_FOUND', `there is no run with the id "${run}"`, { run });
    if (!rights.may(action, 'experiment', experiment))
      throw new GyreError(
        'PERMISSION_DENIED',
        `you may not ${action} runs of experiment ${experiment}: whoever manages it can grant that`,
        {
          run,
          experiment,
        },
      );
  }
}
