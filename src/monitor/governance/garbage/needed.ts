import { ownRunId } from '#training';
import type { DeletedRecord } from '#training';
import type { GarbageDeps } from './port.ts';

/** Why a deleted record has to stay; undefined when nothing needs it. */
export async function neededBy(
  { registry, evaluation }: Pick<GarbageDeps, 'registry' | 'evaluation'>,
  { kind, id }: Pick<DeletedRecord, 'kind' | 'id'>,
): Promise<string | undefined> {
  if (kind === 'experiment') return undefined;
  const run = ownRunId(id);
  const [version] = kind === 'run' ? await registry.byRun(run) : await registry.byLoggedModel(id);
  if (version !== undefined) return `${version.model} version ${version.version} was made from it`;
  if (kind === 'logged_model') return undefined;
  const [report] = (await evaluation.listReports({ run, limit: 1 })).items;
  return report === undefined ? undefined : `test report ${report.id} is about it`;
}
