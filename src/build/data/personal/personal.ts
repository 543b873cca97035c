import type { DatasetVersion, EventTypes } from '#contract';
import { eventType } from '#contract';
import type { Actor, TableSchema } from '#contract';
import type { Clock } from '#core';
import type { Events } from '#events';
import type { Store } from '#store';
import type { MaskedColumns } from '../masking.ts';

/** The columns that hold personal or sensitive data: so tagged in the reviewed schema, or named by the charter. */
export function personalColumns(schema: TableSchema, charter: readonly string[] = []): MaskedColumns {
  const tagged = schema.columns.filter(({ personal, sensitive }) => personal === true || sensitive === true);
  return new Set([...tagged.map(({ name }) => name), ...charter]);
}

/** The columns of which a schema says that they are personal or sensitive, or that they are not. */
export function declaredColumns(schemas: readonly TableSchema[]): ReadonlySet<string> {
  const said = schemas
    .flatMap(({ columns }) => columns)
    .filter(({ personal, sensitive }) => personal !== undefined || sensitive !== undefined);
  return new Set(said.map(({ name }) => name));
}

/** How somebody came to see personal data. */
export type SeenBy = EventTypes['dev.gyre.personal_data.seen.v1']['how'];

export interface PersonalLook {
  /** Of predictions: the endpoint, and the digest of its package. */
  readonly version: Pick<DatasetVersion, 'dataset' | 'digest'>;
  readonly columns: readonly string[];
  readonly how: SeenBy;
  readonly by: Actor;
}

/** States looks at personal data. One identity that leafs through one version is one look an hour. */
export type SeePersonal = (look: PersonalLook) => Promise<void>;

const lookMs = 3_600_000;
const mostRemembered = 10_000;

export function personalLooks(deps: { readonly store: Store; readonly events: Events<EventTypes>; readonly clock: Clock }): SeePersonal {
  const lastAt = new Map<string, number>();
  return async ({ version, columns, how, by }) => {
    if (columns.length === 0) return;
    const look = JSON.stringify([by.identity, version.digest, how, columns]);
    const now = deps.clock.now();
    const last = lastAt.get(look);
    if (last !== undefined && now - last < lookMs) return;
    await deps.store.write(
      async (tx, data: EventTypes['dev.gyre.personal_data.seen.v1']) => {
        deps.events.publish(tx, { type: eventType('personal_data.seen'), subject: version.digest, actor: by.identity, data });
      },
      { dataset: version.dataset, digest: version.digest, columns: [...columns], how },
    );
    if (lastAt.size >= mostRemembered) lastAt.clear();
    lastAt.set(look, now);
  };
}
