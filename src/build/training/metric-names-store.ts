import type { Db, Tx } from '#store';
import { keysPerQuery } from './tables.ts';
import type { TrainingTables } from './tables.ts';

/** Metrics' names by number. A number once given stays, so what was committed is remembered. */
export class MetricNames {
  readonly #known = new Map<string, number>();

  /** The numbers of names; new names get theirs. */
  async number(tx: Tx, names: Iterable<string>): Promise<ReadonlyMap<string, number>> {
    const found = new Map<string, number>();
    const unknown = new Set<string>();
    for (const name of names) {
      const id = this.#known.get(name);
      if (id === undefined) unknown.add(name);
      else found.set(name, id);
    }
    if (unknown.size === 0) return found;
    const fresh = await selectNames(tx, [...unknown]);
    const missing = [...unknown].filter((name) => !fresh.has(name));
    if (missing.length > 0) {
      await tx.insertRows(
        { table: 'metric_names', columns: [{ name: 'name', type: 'text' }], onConflict: 'on conflict do nothing' },
        missing.map((name) => [name]),
      );
      for (const [name, id] of await selectNames(tx, missing)) fresh.set(name, id);
    }
    tx.afterCommit(() => {
      for (const [name, id] of fresh) this.#known.set(name, id);
    });
    for (const [name, id] of fresh) found.set(name, id);
    return found;
  }

  /** The number of a name; undefined when no run has such a metric. */
  async find(db: Db, name: string): Promise<number | undefined> {
    const known = this.#known.get(name);
    return known ?? (await selectNames(db, [name])).get(name);
  }
}

async function selectNames(db: Db, names: readonly string[]): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (let start = 0; start < names.length; start += keysPerQuery) {
    const rows = await db
      .tables<TrainingTables>()
      .selectFrom('metric_names')
      .select(['id', 'name'])
      .where('name', 'in', names.slice(start, start + keysPerQuery))
      .execute();
    for (const { id = 0, name } of rows) found.set(name, id);
  }
  return found;
}
