import type { Run } from '#contract';
import { GyreError } from '#core';
import type { Features, RowsSource } from '#features';
import { cellOf } from '#tables';
import type { Frame } from '#tables';
import type { TrainedModel } from '#training';

/** A dataset version that a run's model learned from: by fitting, or by early stopping and the choice among trials. */
export function learnedFrom(run: Run): readonly { readonly role: string; readonly digest: string }[] {
  return run.inputs.filter(({ role }) => isRole(role, 'train') || isRole(role, 'validation'));
}

/** The dataset versions that a run's model was fitted on. */
export function fittedOn(run: Run): readonly { readonly role: string; readonly digest: string }[] {
  return run.inputs.filter(({ role }) => isRole(role, 'train'));
}

/** `train` and its kin, such as `train.recent`. */
function isRole(role: string, name: string): boolean {
  return role === name || role.startsWith(`${name}.`);
}

/** @throws GyreError FAILED_PRECONDITION when the run learned from the very dataset version that it is to be judged on */
export function requireHeldOut(run: Run, dataset: string): void {
  const used = learnedFrom(run).find(({ digest }) => digest === dataset);
  if (used === undefined) return;
  throw new GyreError(
    'FAILED_PRECONDITION',
    `run ${run.id} used dataset version ${dataset.slice(0, 12)} as "${used.role}": its model is judged on rows that it has not learned from`,
    { run: run.id, dataset, role: used.role },
  );
}

export interface KeySources {
  readonly data: RowsSource;
  readonly features: Pick<Features, 'specOf'>;
}

/**
 * Which rows of a frame have a key that a model learned from.
 * @returns one flag per row; undefined when rows have no key that could be compared
 */
export async function seenRows(
  { data, features }: KeySources,
  model: TrainedModel,
  frame: Frame,
  inputs: readonly { readonly digest: string }[],
): Promise<Uint8Array | undefined> {
  const { key } = await features.specOf(model.transform);
  if (key === undefined || !frame.has(key)) return undefined;
  const seen = new Set<string>();
  for (const { digest } of inputs) {
    const rows = await data.open(digest);
    if (rows.has(key)) for (const text of keysOf(rows, key)) seen.add(text);
  }
  return Uint8Array.from(keysOf(frame, key), (text) => (seen.has(text) ? 1 : 0));
}

function keysOf(frame: Frame, key: string): string[] {
  const column = frame.column(key);
  const type = frame.typeOf(key);
  return Array.from({ length: frame.rows }, (_, row) => String(cellOf(column, type, row) ?? ''));
}
