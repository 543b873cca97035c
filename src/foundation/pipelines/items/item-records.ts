import type { Clock } from '#core';
import type { Store } from '#store';
import { endItems, openItems, putItems, takeGeneration } from './items-store.ts';
import type { ItemRow } from './items-store.ts';

/** Rows are written together once there are so many, or the first of them has waited so long. */
const groupRows = 100;
const groupMs = 250;

type Made = Omit<ItemRow, 'scope' | 'since' | 'until' | 'step_run' | 'ended_at'>;

/** What a step run writes about its items, in groups. */
export class ItemRecords {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #scope: string;
  readonly #stepRun: string;
  readonly generation: number;
  #waiting: ItemRow[] = [];
  #writing: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #failure: { readonly cause: unknown } | undefined;

  private constructor(store: Store, clock: Clock, step: { readonly scope: string; readonly stepRun: string }, generation: number) {
    this.#store = store;
    this.#clock = clock;
    this.#scope = step.scope;
    this.#stepRun = step.stepRun;
    this.generation = generation;
  }

  static async open(store: Store, clock: Clock, step: { readonly scope: string; readonly stepRun: string }): Promise<ItemRecords> {
    const generation = await store.write(takeGeneration, { scope: step.scope, stepRun: step.stepRun });
    return new ItemRecords(store, clock, step, generation);
  }

  /** The items as they stand, by name. */
  async current(): Promise<ReadonlyMap<string, ItemRow>> {
    const rows = await this.#store.read((db) => openItems(db, this.#scope));
    return new Map(rows.map((row) => [row.item, row]));
  }

  /** Ends what items were. @param gone those of them that have no input any more: that is kept for this generation to show */
  async end(items: readonly string[], gone: readonly string[]): Promise<void> {
    if (items.length === 0) return;
    const { generation } = this;
    const scope = this.#scope;
    const removed = gone.map((item): ItemRow => ({
      ...this.#row({ item, cache_key: '', inputs: [], outputs: [], state: 'removed', tries: 0, error: null, log: [] }),
      until: generation + 1,
    }));
    await this.#store.write(
      async (tx, args) => {
        await endItems(tx, args);
        await putItems(tx, args.removed);
      },
      { scope, generation, items, removed },
    );
  }

  /** What became of an item; written soon. */
  put(made: Made): void {
    this.renew(this.#row(made));
  }

  /** A row that holds on with other facts about its files. */
  renew(row: ItemRow): void {
    this.#waiting.push(row);
    if (this.#waiting.length >= groupRows) this.#write();
    else this.#timer ??= setTimeout(() => this.#write(), groupMs);
  }

  /** Resolves when everything is written. @throws what the store threw */
  async flush(): Promise<void> {
    this.#write();
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure.cause;
  }

  #row(made: Made): ItemRow {
    return { ...made, scope: this.#scope, since: this.generation, until: null, step_run: this.#stepRun, ended_at: this.#clock.now() };
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waiting.length === 0) return;
    const rows = this.#waiting;
    this.#waiting = [];
    this.#writing = this.#writing
      .then(() => this.#store.write(putItems, rows))
      .catch((cause: unknown) => {
        this.#failure ??= { cause };
      });
  }
}
