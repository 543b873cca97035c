/** Instants that come again, as people say them. */
export const rhythms = ['hour', 'day', 'weekday', 'week', 'month'] as const;
export type Rhythm = (typeof rhythms)[number];

export const weekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] as const;

export interface Recurrence {
  readonly every: Rhythm;
  /** `06:00`; of an hour only the minute counts. */
  readonly at: string;
  /** Of a week its day (0 is Sunday), of a month its day (1 to 31). */
  readonly day?: number;
}

/** A recurrence as a pattern of five fields; undefined when the time of day or the day cannot be read. */
export function cronOf({ every, at, day = 1 }: Recurrence): string | undefined {
  const [, hourText, minuteText] = /^(\d{1,2}):(\d{2})$/.exec(at.trim()) ?? [];
  const [hour, minute] = [Number(hourText), Number(minuteText)];
  if (!(hour <= 23 && minute <= 59) || !Number.isInteger(day)) return undefined;
  switch (every) {
    case 'hour':
      return `${minute} * * * *`;
    case 'day':
      return `${minute} ${hour} * * *`;
    case 'weekday':
      return `${minute} ${hour} * * 1-5`;
    case 'week':
      return day >= 0 && day <= 6 ? `${minute} ${hour} * * ${day}` : undefined;
    case 'month':
      return day >= 1 && day <= 31 ? `${minute} ${hour} ${day} * *` : undefined;
  }
}

const patterns: readonly (readonly [RegExp, Rhythm])[] = [
  [/^(?<minute>\d+) \* \* \* \*$/, 'hour'],
  [/^(?<minute>\d+) (?<hour>\d+) \* \* \*$/, 'day'],
  [/^(?<minute>\d+) (?<hour>\d+) \* \* 1-5$/, 'weekday'],
  [/^(?<minute>\d+) (?<hour>\d+) \* \* (?<day>[0-6])$/, 'week'],
  [/^(?<minute>\d+) (?<hour>\d+) (?<day>\d+) \* \*$/, 'month'],
];

/** The recurrence that a pattern is; undefined for one that is none of these. */
export function recurrenceOf(cron: string): Recurrence | undefined {
  const text = cron.trim().replaceAll(/\s+/g, ' ');
  for (const [pattern, every] of patterns) {
    const found = pattern.exec(text)?.groups;
    if (found === undefined) continue;
    const { minute = '0', hour = '0', day } = found;
    return { every, at: `${hour.padStart(2, '0')}:${minute.padStart(2, '0')}`, ...(day === undefined ? {} : { day: Number(day) }) };
  }
  return undefined;
}

/** A pattern in words: `every day at 06:00`; the pattern itself where words would be longer than it. */
export function cronWords(cron: string): string {
  const found = recurrenceOf(cron);
  if (found === undefined) return cron;
  const { every, at, day = 1 } = found;
  switch (every) {
    case 'hour':
      return `every hour at :${at.slice(-2)}`;
    case 'day':
      return `every day at ${at}`;
    case 'weekday':
      return `Monday to Friday at ${at}`;
    case 'week':
      return `every ${weekdays[day]} at ${at}`;
    case 'month':
      return `on day ${day} of every month at ${at}`;
  }
}
