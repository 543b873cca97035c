import type { Run } from '#contract';
import { GyreError } from '#core';
import type { RowsSource } from '#features';
import { cellOf, takeRows } from '#tables';
import type { Frame } from '#tables';
import type { ScoringModel } from './scoring-model.ts';

/**
 * The dataset versions that a model learned from: by fitting, or by early stopping and the choice among trials. None is known of a model that
 * was trained elsewhere.
 */
export function learnedFrom({ run }: Pick<ScoringModel, 'run'>): readonly { readonly role: string; readonly digest: string }[] {
  return inputsOf(run).filter(({ role }) => isRole(role, 'train') || isRole(role, 'validation'));
}

/** The dataset versions that a model was fitted on. */
export function fittedOn({ run }: Pick<ScoringModel, 'run'>): readonly { readonly role: string; readonly digest: string }[] {
  return inputsOf(run).filter(({ role }) => isRole(role, 'train'));
}

function inputsOf(run: Run | undefined): Run['inputs'] {
  return run?.inputs ?? [];
}

/** `train` and its kin, such as `train.recent`. */
function isRole(role: string, name: string): boolean {
  return role === name || role.startsWith(`${name}.`);
}

/** @throws GyreError FAILED_PRECONDITION when the model learned from the very dataset version that it is to be judged on */
export function requireHeldOut(model: Pick<ScoringModel, 'id' | 'run'>, dataset: string): void {
  const used = learnedFrom(model).find(({ digest }) => digest === dataset);
  if (used === undefined) return;
  throw new GyreError(
    'FAILED_PRECONDITION',
    `run ${model.id} used dataset version ${dataset.slice(0, 12)} as "${used.role}": its model is judged on rows that it has not learned from`,
    { run: model.id, dataset, role: used.role },
  );
}

/** Rows of a dataset version that a model has not learned from. */
export interface UnseenRows {
  readonly frame: Frame;
  /** Rows that are left out because the model has learned from their key; undefined where nothing could tell. */
  readonly leftOut?: number;
}

/**
 * Opens a dataset version for judging a model: without the rows whose key it has learned from.
 * @throws GyreError FAILED_PRECONDITION when the model learned from this very version; NOT_FOUND
 */
export async function unseenRows(sources: KeySources, model: ScoringModel, dataset: string): Promise<UnseenRows> {
  requireHeldOut(model, dataset);
  const frame = await sources.data.open(dataset);
  const inputs = learnedFrom(model);
  const seen = inputs.length === 0 ? undefined : await seenRows(sources, model, frame, inputs);
  if (seen === undefined) return { frame };
  const left = Int32Array.from(frame.rows === 0 ? [] : [...seen.keys()].filter((row) => seen[row] === 0));
  return { frame: left.length === frame.rows ? frame : takeRows(frame, left), leftOut: frame.rows - left.length };
}

export interface KeySources {
  readonly data: RowsSource;
}

/**
 * Which rows of a frame have a key that a model learned from.
 * @returns one flag per row; undefined when rows have no key that could be compared
 */
export async function seenRows(
  { data }: KeySources,
  { key }: Pick<ScoringModel, 'key'>,
  frame: Frame,
  inputs: readonly { readonly digest: string }[],
): Promise<Uint8Array | undefined> {
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
