import type { Db, RowsOf, Tx } from '#store';
import { keysPerQuery } from './tables.ts';
import type { TrainingTables } from './tables.ts';

const namesByNumber: RowsOf = { table: 'metric_names', select: ['name'], by: [{ name: 'id', type: 'integer' }] };

/** Metrics' names by number. A number once given stays, so what was committed is remembered. */
export class MetricNames {
  readonly #known = new Map<string, number>();
  readonly #names = new Map<number, string>();

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
    tx.afterCommit(() => this.#remember(fresh));
    for (const [name, id] of fresh) found.set(name, id);
    return found;
  }

  /** The number of a name that was met before. */
  known(name: string): number | undefined {
    return this.#known.get(name);
  }

  /** The number of a name; undefined when no run has such a metric. */
  async find(db: Db, name: string): Promise<number | undefined> {
    const known = this.#known.get(name);
    return known ?? (await selectNames(db, [name])).get(name);
  }

  /** The names that numbers stand for. */
  async named(db: Db, numbers: ReadonlySet<number>): Promise<ReadonlyMap<number, string>> {
    const unknown = [...numbers].filter((number) => !this.#names.has(number));
    if (unknown.length === 0) return this.#names;
    const rows = await db.rowsOf(
      namesByNumber,
      unknown.map((number) => [number]),
    );
    const found = new Map(unknown.map((number, at) => [String(rows[at][0]?.[0] ?? ''), number]));
    // A transaction sees names that may not come to stay.
    if (!('afterCommit' in db)) {
      this.#remember(found);
      return this.#names;
    }
    const named = new Map([...numbers].map((number) => [number, this.#names.get(number) ?? '']));
    for (const [name, number] of found) named.set(number, name);
    return named;
  }

  #remember(found: ReadonlyMap<string, number>): void {
    for (const [name, number] of found) {
      this.#known.set(name, number);
      this.#names.set(number, name);
    }
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
