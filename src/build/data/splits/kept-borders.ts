import { digestOf } from '#core';
import type { DataDeps, SplitRequest, ValidationSetRequest } from '../port.ts';
import type { KeptBorders } from './deal.ts';
import { bordersOf } from './splits-store.ts';

/** What borders are drawn for: everything but the version, so that they hold for later ones. */
export interface BorderDefinitions {
  readonly parts: string;
  /** By the name of the set. */
  readonly sets: ReadonlyMap<string, string>;
}

export function borderDefinitions(request: Omit<SplitRequest, 'by'>): BorderDefinitions {
  const { dataset, key, salt, parts, strategy = null, begins = null, sets = [] } = request;
  const ofSet = ({ set, strategy: by, share }: ValidationSetRequest): string =>
    digestOf({ dataset, key, salt, set, by, share: share ?? null });
  return {
    parts: digestOf({ dataset, key, salt, parts: Object.entries(parts), strategy, begins, sets }),
    sets: new Map(sets.map((set) => [set.set, ofSet(set)])),
  };
}

/** The borders that were drawn for these definitions, with the definitions that have any. */
export async function keptBorders(
  { store }: Pick<DataDeps, 'store'>,
  drawn: BorderDefinitions,
): Promise<KeptBorders & { readonly definitions: ReadonlySet<string> }> {
  const kept = await store.read((db) => bordersOf(db, [drawn.parts, ...drawn.sets.values()]));
  const parts = kept.get(drawn.parts);
  const sets = [...drawn.sets].flatMap(([set, definition]) => {
    const borders = kept.get(definition);
    return borders === undefined ? [] : [[set, borders] as const];
  });
  return { ...(parts === undefined ? {} : { parts }), sets: new Map(sets), definitions: new Set(kept.keys()) };
}
