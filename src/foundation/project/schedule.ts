import { Cron } from 'croner';
import type { ScheduleSpec } from '#contract';
import { GyreError, messageOf } from '#core';

export interface ResolvedSchedule {
  readonly cron: string;
  /** An IANA name. */
  readonly timezone: string;
  readonly run: 'ingest' | 'build';
}

export function resolveSchedule(spec: ScheduleSpec): ResolvedSchedule {
  const { cron, timezone = 'UTC', run = 'ingest' } = typeof spec === 'string' ? { cron: spec } : spec;
  return { cron, timezone, run };
}

/**
 * The first instant of a schedule after another, in UTC milliseconds; undefined when there is none ever again. A time that the clocks
 * skip in spring is due when they have skipped it; one that they show twice in autumn is due once.
 * @throws GyreError INVALID_ARGUMENT when the pattern or the time zone cannot be read
 */
export function nextInstant({ cron, timezone }: Pick<ResolvedSchedule, 'cron' | 'timezone'>, after: number): number | undefined {
  if (cron.trim().split(/\s+/).length !== 5)
    throw new GyreError('INVALID_ARGUMENT', `"${cron}" is no schedule: minute, hour, day of month, month and day of week are needed`, {
      cron,
    });
  if (!isZone(timezone)) throw new GyreError('INVALID_ARGUMENT', `"${timezone}" is no time zone: such as Europe/Rome or UTC`, { timezone });
  try {
    return new Cron(cron, { timezone, paused: true, mode: '5-part' }).nextRun(new Date(after))?.getTime();
  } catch (error) {
    throw new GyreError(
      'INVALID_ARGUMENT',
      `"${cron}" is no schedule: ${messageOf(error).replace(/^Cron\w+: /, '')}`,
      { cron },
      { cause: error },
    );
  }
}

function isZone(timezone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: timezone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
