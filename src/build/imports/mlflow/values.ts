import type { SourceStatus } from '../source.ts';

/** The greatest double, which MLflow's databases hold where infinity was logged. */
const greatest = Number.MAX_VALUE;

/** A metric's value as it was logged. */
export function valueOf(stored: number, isNan: boolean): number {
  if (isNan) return Number.NaN;
  return Math.abs(stored) === greatest ? Math.sign(stored) * Infinity : stored;
}

/** A value as MLflow's files and its API write it: `nan`, `inf`, `-inf`, `NaN`, `Infinity`. @returns undefined for what is none */
export function parsedValue(text: string): number | undefined {
  const word = text.toLowerCase();
  if (word === 'nan') return Number.NaN;
  const infinite = /^([+-]?)inf(?:inity)?$/.exec(word);
  if (infinite !== null) return infinite[1] === '-' ? -Infinity : Infinity;
  const value = Number(text);
  return text.trim() === '' || Number.isNaN(value) ? undefined : value;
}

/** Statuses by the numbers that MLflow's protocol gives them (`RunStatus` in service.proto), or by name. */
export function statusOf(value: unknown): SourceStatus {
  const numbered: readonly SourceStatus[] = ['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED'];
  if (typeof value === 'number') return numbered[value - 1] ?? 'FINISHED';
  return numbered.find((status) => status === value) ?? 'FINISHED';
}

/** Statuses of logged models likewise (`LoggedModelStatus`). */
export function modelStatusOf(value: unknown): 'PENDING' | 'READY' | 'FAILED' {
  if (value === 2 || value === 'LOGGED_MODEL_READY') return 'READY';
  return value === 3 || value === 'LOGGED_MODEL_UPLOAD_FAILED' ? 'FAILED' : 'PENDING';
}

/** The stage that a registry gives to a version that was deleted. */
export const deletedStage = 'Deleted_Internal';

/** A text, also where YAML or SQL read a number; undefined for nothing and for the empty text. */
export function wordsOf(value: unknown): string | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A whole number, as files, databases and JSON hold it; undefined for anything else. */
export function wholeOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : typeof value === 'bigint' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? Math.trunc(number) : undefined;
}

/** A member with a text; none for nothing and for the empty text. */
export function optional<Name extends string>(name: Name, value: unknown): Partial<Record<Name, string>> {
  const words = wordsOf(value);
  return words === undefined ? {} : ({ [name]: words } as Partial<Record<Name, string>>);
}
