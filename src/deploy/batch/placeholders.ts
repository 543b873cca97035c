import type { BatchRequestBody } from '#contract';
import { isoInstant } from '#core';
import { placeholders } from '#project';

/** The instants of a run by the clock, in UTC milliseconds. */
export interface RunInstants {
  /** When it is due, or was asked for. */
  readonly at: number;
  /** Up to here the last run that finished has gone; 0 for the first. */
  readonly since: number;
  /** An IANA name: days and times of day are its. */
  readonly timezone: string;
}

/** What may hold a placeholder. */
const places = ['input', 'query', 'fromTable', 'output', 'toTable'] as const;

/**
 * Puts the instants of a run into its request: `{date}` (2026-11-30) and `{time}` (0600) of the time zone, `{since}` and `{until}` in UTC.
 */
export function fillRequest(request: BatchRequestBody, { at, since, timezone }: RunInstants): BatchRequestBody {
  const local = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timezone);
  const two = (value: number): string => String(value).padStart(2, '0');
  const values: Readonly<Record<(typeof placeholders)[number], string>> = {
    date: local.toPlainDate().toString(),
    time: `${two(local.hour)}${two(local.minute)}`,
    since: isoInstant(since),
    until: isoInstant(at),
  };
  const fill = (text: string): string => placeholders.reduce((filled, name) => filled.replaceAll(`{${name}}`, values[name]), text);
  const filled = places.flatMap((place) => (request[place] === undefined ? [] : [[place, fill(request[place])] as const]));
  return { ...request, ...Object.fromEntries(filled) };
}
