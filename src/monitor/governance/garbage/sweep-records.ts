import { isoInstant } from '#core';
import { neededBy } from './needed.ts';
import type { GarbageDeps } from './port.ts';
import { plus, show } from './sweep.ts';
import type { SweepProgress } from './sweep.ts';

/**
 * Looks at whatever was deleted before the time that it is kept for. What no model version and no test report needs goes for good, record by
 * record, unless it is restored before its turn. Its bytes go with the next collection of blobs, as far as nothing else names them.
 */
export async function sweepRecords(deps: GarbageDeps, sweep: SweepProgress, signal: AbortSignal): Promise<void> {
  const { clock, training } = deps;
  const { retention } = training;
  const before = clock.now() - sweep.graceMs;
  sweep.phase = 'records';
  if (sweep.apply) await retention.clear();
  for await (const record of retention.deletedBefore(before)) {
    signal.throwIfAborted();
    const { kind, id, name, bytes, deletedAt } = record;
    sweep.looked = plus(sweep.looked, bytes);
    const need = await neededBy(deps, record);
    if (need !== undefined) {
      sweep.kept = plus(sweep.kept, bytes);
      sweep.referred += 1;
      continue;
    }
    if (sweep.apply && !(await retention.erase(record, before))) {
      sweep.kept = plus(sweep.kept, bytes);
      continue;
    }
    sweep.garbage = plus(sweep.garbage, bytes);
    if (sweep.apply) sweep.deleted = plus(sweep.deleted, bytes);
    const since = isoInstant(deletedAt);
    show(sweep, { kind, record: id, name, bytes, since, why: `deleted ${since}, and nothing needs it` });
  }
}
