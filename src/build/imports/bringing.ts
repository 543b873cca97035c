import type { Actor, ImportedRecord } from '#contract';
import { isGyreError, messageOf, sha256 } from '#core';
import type { Store } from '#store';
import type { ArtifactTarget, ModelsTarget, RegistryTarget, TrackingTarget } from './port.ts';
import type { TrackingSource } from './source.ts';
import type { Tally } from './tally.ts';

/** What an import works with. */
export interface Bringing {
  readonly store: Store;
  readonly tracking: TrackingTarget;
  readonly loggedModels: ModelsTarget;
  readonly artifacts: ArtifactTarget;
  readonly registry: RegistryTarget;
  readonly source: TrackingSource;
  readonly tally: Tally;
  readonly by: Actor;
  readonly signal: AbortSignal;
}

/** Counts what was taken or why not; only what ends the import is thrown. */
export async function orRefuse(
  { tally, signal }: Bringing,
  what: ImportedRecord,
  name: string,
  count: number,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
    tally.imported(what, count);
  } catch (error) {
    if (isFinal(error, signal)) throw error;
    tally.refused(what, { what: name, why: messageOf(error) }, count);
  }
}

/** Whether there is no going on: somebody cancelled, or the store or the source went away. What else fails concerns one record. */
export function isFinal(error: unknown, signal: AbortSignal): boolean {
  return signal.aborted || (isGyreError(error) && ['UNAVAILABLE', 'RESOURCE_EXHAUSTED', 'CANCELLED'].includes(error.code));
}

/** MLflow's 32 hex digits are a UUID without its hyphens. */
export function ownId(id: string): string {
  return /^[0-9a-f]{32}$/.test(id) ? id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5') : id;
}

/** What a record is at its source, as a digest; values of metrics in it may be no numbers, which JSON cannot hold. */
export function stateOf(record: object): string {
  return sha256(
    JSON.stringify(record, (_, value: unknown) => (typeof value === 'number' && !Number.isFinite(value) ? String(value) : value)),
  );
}
