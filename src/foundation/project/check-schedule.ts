import type { DatasetSpec } from '#contract';
import { parsed } from './check-context.ts';
import type { Finding } from './problems.ts';
import { nextInstant, resolveSchedule } from './schedule.ts';

/** Any instant will do: whether a pattern can be read does not depend on it. */
const someInstant = Date.UTC(2026, 0, 1);

/** What does not hold in a dataset's schedule. */
export function checkSchedule(name: string, { schedule }: DatasetSpec): Finding[] {
  if (schedule === undefined) return [];
  const path = ['data', name, 'schedule'];
  const next = parsed(path, () => nextInstant(resolveSchedule(schedule), someInstant));
  if ('finding' in next) return [next.finding];
  return next.value === undefined ? [{ path, message: 'is never due', suggestion: 'is there such a day?' }] : [];
}
