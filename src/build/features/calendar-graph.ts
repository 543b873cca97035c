import type { DoubleMath } from './double-math.ts';

export type CalendarPart = 'year' | 'month' | 'day' | 'weekday' | 'hour';

export const millisPerDay = 86_400_000;

/**
 * A part of an instant (UTC milliseconds, float64 [N, 1], NaN = missing) in the proleptic Gregorian calendar, UTC.
 * Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms" (civil_from_days), in whole numbers that float64 holds exactly.
 */
export function calendarPart(math: DoubleMath, part: CalendarPart, instant: string): string {
  const { constant, op, asDouble } = math;
  const add = (left: string, right: number): string => op('Add', left, constant(right));
  const times = (left: string, right: number): string => op('Mul', left, constant(right));
  const quotient = (left: string, right: number): string => op('Floor', op('Div', left, constant(right)));
  const minus = (left: string, right: string): string => op('Sub', left, right);

  const days = quotient(instant, millisPerDay);
  if (part === 'hour') return quotient(minus(instant, times(days, millisPerDay)), 3_600_000);
  if (part === 'weekday') {
    const sinceMonday = add(days, 3); // 1970-01-01 was a Thursday
    return add(minus(sinceMonday, times(quotient(sinceMonday, 7), 7)), 1);
  }
  const shifted = add(days, 719_468); // days since 0000-03-01: years that begin in March end with the leap day
  const era = quotient(shifted, 146_097);
  const dayOfEra = minus(shifted, times(era, 146_097));
  const leapDays = op('Add', minus(quotient(dayOfEra, 1_460), quotient(dayOfEra, 36_524)), quotient(dayOfEra, 146_096));
  const yearOfEra = quotient(minus(dayOfEra, leapDays), 365);
  const dayOfYear = minus(dayOfEra, op('Add', times(yearOfEra, 365), minus(quotient(yearOfEra, 4), quotient(yearOfEra, 100))));
  const monthFromMarch = quotient(add(times(dayOfYear, 5), 2), 153);
  if (part === 'day') return add(minus(dayOfYear, quotient(add(times(monthFromMarch, 153), 2), 5)), 1);
  const afterDecember = asDouble(op('GreaterOrEqual', monthFromMarch, constant(10)));
  if (part === 'month') return minus(add(monthFromMarch, 3), times(afterDecember, 12));
  return op('Add', op('Add', yearOfEra, times(era, 400)), afterDecember);
}
