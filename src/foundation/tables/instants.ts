// A date, or a date and a time with an optional zone; without a zone it is UTC.
const pattern = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}:?\d{2})?)?$/;

/**
 * Reads an ISO 8601 date or instant; what has no zone is taken as UTC, digits beyond milliseconds are cut off.
 * @returns UTC milliseconds, or undefined when the text is no valid instant (`2024-02-30` is none)
 */
export function parseInstant(text: string): number | undefined {
  const found = pattern.exec(text);
  if (!found) return undefined;
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone = 'Z'] = found;
  const local = instantFrom(Number(year), Number(month), Number(day), { hour, minute, second, fraction });
  return local === undefined ? undefined : local - offsetMs(zone);
}

function instantFrom(
  y: number,
  mo: number,
  d: number,
  time: { readonly hour: string; readonly minute: string; readonly second: string; readonly fraction: string },
): number | undefined {
  const [h, mi, s] = [time.hour, time.minute, time.second].map(Number);
  if (mo < 1 || mo > 12 || d < 1 || d > daysIn(y, mo) || h > 23 || mi > 59 || s > 59) return undefined;
  // setUTCFullYear, because Date.UTC maps the years 0-99 to 1900-1999
  return new Date(Date.UTC(2000, 0, 1, h, mi, s, Number(time.fraction.padEnd(3, '0').slice(0, 3)))).setUTCFullYear(y, mo - 1, d);
}

/** What a date such as `03/04/2025` says when its day, or its month, stands first: UTC milliseconds, NaN where that is no day. */
export interface DatedInstant {
  readonly dayFirst: number;
  readonly monthFirst: number;
}

/** In which order day and month stand. */
export type DateOrder = 'day-first' | 'month-first';

// Two numbers and a year with one sign between, and a time.
const datedPattern = /^(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?$/;

/** Reads a date whose year stands last, in UTC; undefined when it is none in either order. */
export function parseDated(text: string): DatedInstant | undefined {
  const found = datedPattern.exec(text);
  if (!found) return undefined;
  const [, first, , second, year, hour = '0', minute = '0', seconds = '0', fraction = ''] = found;
  const time = { hour, minute, second: seconds, fraction };
  const dayFirst = instantFrom(Number(year), Number(second), Number(first), time);
  const monthFirst = instantFrom(Number(year), Number(first), Number(second), time);
  if (dayFirst === undefined && monthFirst === undefined) return undefined;
  return { dayFirst: dayFirst ?? Number.NaN, monthFirst: monthFirst ?? Number.NaN };
}

const daysIn = (year: number, month: number): number =>
  month === 2 ? (year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31;

function offsetMs(zone: string): number {
  if (zone === 'Z') return 0;
  const sign = zone.startsWith('-') ? -1 : 1;
  return sign * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2))) * 60_000;
}
