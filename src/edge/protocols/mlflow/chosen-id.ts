import { GyreError, hasCode } from '#core';
import type { MlflowCall } from './port.ts';

/**
 * The id that a caller chose for what it makes: a relay gives ids while the server is away (header `gyre-id`). Absent for everybody else.
 * @param form what ids of the kind look like
 * @throws GyreError INVALID_ARGUMENT for a text of another form
 */
export function chosenId({ headers }: Pick<MlflowCall, 'headers'>, form: RegExp): string | undefined {
  const id = headers['gyre-id'];
  if (id === undefined) return undefined;
  if (typeof id !== 'string' || !form.test(id))
    throw new GyreError('INVALID_ARGUMENT', `gyre-id: "${String(id).slice(0, 100)}" is no id of this kind`);
  return id;
}

/**
 * Makes something, or gives what an earlier request of the same chosen id made: its answer may have been lost.
 * @param found what has the id; undefined when it belongs elsewhere, so that the id cannot be given
 */
export async function makeOnce<T>(
  id: string | undefined,
  make: () => Promise<T>,
  found: (id: string) => Promise<T | undefined>,
): Promise<T> {
  try {
    return await make();
  } catch (error) {
    if (id === undefined || !hasCode(error, 'ALREADY_EXISTS')) throw error;
    const existing = await found(id);
    if (existing === undefined) throw error;
    return existing;
  }
}
