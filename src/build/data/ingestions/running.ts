import type { DatasetIngestion } from '#contract';
import { GyreError, hasCode, isGyreError, isoInstant, messageOf } from '#core';
import type { Tx } from '#store';
import type { DataDeps } from '../port.ts';
import { keepIngestion, reworded } from './ingestions-store.ts';

type Progress = { -readonly [K in keyof NonNullable<DatasetIngestion['progress']>]: NonNullable<DatasetIngestion['progress']>[K] };

/** What an ingestion that goes on is given. */
export interface IngestionWork {
  /** What was found at the source, as far as it is known: part of the record even if the ingestion fails. */
  found: DatasetIngestion['found'];
  /** How far it is; `tell` makes it known. */
  readonly progress: Progress;
  readonly tell: () => void;
  readonly signal: AbortSignal;
  readonly startedAt: number;
  /** @throws GyreError CANCELLED when it was asked to stop */
  readonly requireGoing: () => void;
  /** Records what came of it, within the write that records the version. */
  readonly keep: (
    tx: Tx,
    outcome: Pick<
      DatasetIngestion,
      'outcome' | 'version' | 'rows' | 'newRows' | 'watermark' | 'dialect' | 'images' | 'kept' | 'violations'
    >,
    marks: { readonly reading: string; readonly stamp: string },
  ) => Promise<DatasetIngestion>;
}

/** Something to ingest: whence, and the work. */
export interface IngestionPlan<T extends { readonly ingestion: DatasetIngestion }> {
  readonly about: Pick<DatasetIngestion, 'dataset' | 'kind' | 'address' | 'query' | 'by'>;
  readonly signal?: AbortSignal | undefined;
  readonly work: (work: IngestionWork) => Promise<T>;
}

/** An ingestion that goes on. */
export interface RunningIngestion<T> {
  readonly id: string;
  /** As it stands now. */
  readonly record: () => DatasetIngestion;
  readonly cancel: () => void;
  /** What it gave, or what it failed with. */
  readonly ended: Promise<T>;
}

/** Whoever looks at a picture of it sees no more than this. */
const tellEveryMs = 250;

/** The ingestions of this process that go on. */
export class RunningIngestions {
  readonly #deps: DataDeps;
  readonly #running = new Map<string, RunningIngestion<unknown>>();
  readonly #watchers = new Set<(ingestion: DatasetIngestion) => void>();

  constructor(deps: DataDeps) {
    this.#deps = deps;
  }

  get(id: string): RunningIngestion<unknown> | undefined {
    return this.#running.get(id);
  }

  all(): readonly RunningIngestion<unknown>[] {
    return [...this.#running.values()];
  }

  watch(tell: (ingestion: DatasetIngestion) => void): () => void {
    this.#watchers.add(tell);
    return () => void this.#watchers.delete(tell);
  }

  /** Ingests, and leaves the record of it. */
  async run<T extends { readonly ingestion: DatasetIngestion }>(plan: IngestionPlan<T>): Promise<T> {
    return (await this.begin(plan)).ended;
  }

  /** Begins; the record is there when this resolves. @param then work on what was ingested, before it counts as ended; its failure is recorded */
  async begin<T extends { readonly ingestion: DatasetIngestion }>(
    { about, signal, work }: IngestionPlan<T>,
    then?: (given: T) => Promise<void>,
  ): Promise<RunningIngestion<T>> {
    const { clock, newId, store } = this.#deps;
    const stopping = new AbortController();
    const going = signal === undefined ? stopping.signal : AbortSignal.any([stopping.signal, signal]);
    const [id, startedAt] = [newId(), clock.now()];
    let record: DatasetIngestion = { id, ...about, found: {}, startedAt: isoInstant(startedAt) };
    let told = startedAt;
    const progress: Progress = { phase: 'reading' };
    const current = (): DatasetIngestion => ({ ...record, progress: { ...progress } });
    const given: IngestionWork = {
      found: {},
      progress,
      signal: going,
      startedAt,
      tell: () => {
        const now = clock.now();
        if (now < told + tellEveryMs) return;
        told = now;
        this.#tell(current());
      },
      requireGoing: () => {
        if (going.aborted) throw new GyreError('CANCELLED', 'the ingestion was stopped; what was read is not read again');
      },
      keep: async (tx, outcome, marks) => {
        const ingestion = { ...record, ...outcome, found: given.found, finishedAt: isoInstant(clock.now()) };
        await keepIngestion(tx, { ingestion, ...marks });
        return ingestion;
      },
    };
    await store.write(keepIngestion, { ingestion: record, reading: '', stamp: '' });
    const follow = async (): Promise<T> => {
      try {
        const result = await work(given);
        record = result.ingestion;
        if (then === undefined) return result;
        progress.phase = 'judging';
        this.#tell(current());
        await then(result);
        return result;
      } catch (error) {
        record = await this.#failed(record, given.found, error);
        throw error;
      } finally {
        this.#running.delete(id);
        this.#tell(record);
      }
    };
    const ended = follow();
    // whoever waits hears of a failure; that nobody waits is no failure of this process
    ended.catch(() => undefined);
    const running = { id, record: current, cancel: () => stopping.abort(), ended };
    this.#running.set(id, running);
    this.#tell(current());
    return running;
  }

  /** What a version is made of stays, even if what came after it failed. */
  async #failed(record: DatasetIngestion, found: DatasetIngestion['found'], error: unknown): Promise<DatasetIngestion> {
    const { clock, store } = this.#deps;
    if (record.outcome !== undefined) {
      const judged = { ...record, error: `the version is recorded; its quality was not judged: ${messageOf(error)}` };
      await store.write(reworded, judged).catch(() => undefined);
      return judged;
    }
    const ended = {
      ...record,
      outcome: hasCode(error, 'CANCELLED') ? ('cancelled' as const) : ('failed' as const),
      found,
      error: messageOf(error),
      code: isGyreError(error) ? error.code : 'INTERNAL',
      finishedAt: isoInstant(clock.now()),
    };
    await store.write(keepIngestion, { ingestion: ended, reading: '', stamp: '' }).catch(() => undefined);
    return ended;
  }

  #tell(ingestion: DatasetIngestion): void {
    for (const watcher of this.#watchers) watcher(ingestion);
  }
}
