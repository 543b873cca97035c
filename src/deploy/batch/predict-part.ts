import { join } from 'node:path';
import { GyreError, hasCode, messageOf } from '#core';
import type { RunOptions, Session, Tensor } from '#onnx';
import { withRowRange } from '#tables';
import type { AddedColumn, Frame, RowRange } from '#tables';
import { feedsOf, isHeldBy } from './bind-inputs.ts';
import type { InputBinding } from './bind-inputs.ts';
import { encodeBatchColumn } from './encode-columns.ts';
import type { Refusal } from './encode-columns.ts';
import type { PredictionArrays, PredictionColumns } from './prediction-columns.ts';

/** Rows that are handed to a worker thread at a time; fixed, so that what a part holds never depends on the machine. */
const batchRows = 8192;

/** All that a part needs beside its rows. */
export interface PartWork {
  readonly session: Session;
  readonly bindings: readonly InputBinding[];
  /** Rows of one run, at most. */
  readonly maxRows?: number;
  readonly predictions: PredictionColumns;
  /** The input's Parquet file. */
  readonly path: string;
  readonly untyped: readonly string[] | 'all';
  /** Columns of the input that go along. */
  readonly kept: readonly string[];
  /** Columns of the input that the model takes, as far as the input has them. */
  readonly taken: readonly string[];
  /** The column that says why a row has no prediction. */
  readonly errorColumn: string;
  readonly idColumn?: AddedColumn;
  /** What is written: `rows.parquet`, a `tree` of folders by values, or both. */
  readonly layouts: {
    readonly isFile: boolean;
    /** Whether `rows.parquet` is put together with others, and not published as it is. */ readonly isJoined: boolean;
    readonly partitionBy?: readonly string[];
  };
  readonly memoryLimitMib: number;
  /** Runs that wait for a worker at a time. */
  readonly pending: number;
  readonly signal?: AbortSignal;
  /** Told of rows that are done. */
  readonly done: (rows: number, failed: number) => void;
}

export interface PartDone {
  readonly predicted: number;
  readonly failed: number;
  /** Reason without values → rows. */
  readonly failures: readonly (readonly [string, number])[];
}

/**
 * Predicts the rows from `start` up to but without `end` and writes them, each with its prediction or the reason why it has none.
 * @param folder absolute, of this part alone: what is written lies in it
 * @throws GyreError what the model or the engine fails with as a whole; a row that is refused is no failure
 */
export async function predictPart(work: PartWork, start: number, end: number, folder: string): Promise<PartDone> {
  const { path, memoryLimitMib, predictions, kept, errorColumn, idColumn, layouts } = work;
  return withRowRange(path, { start, end, folder, memoryLimitMib, spillFolder: folder }, async (range) => {
    const part = new Part(work, range.rows);
    await part.score(range);
    const { numbers, texts, reasons } = part;
    if (numbers.length > 0) await range.addNumbers(numbers);
    const errors = reasons === undefined ? [] : [reasons];
    if (texts.length + errors.length > 0) await range.addTexts([...texts, ...errors]);
    const added = [
      ...(idColumn === undefined ? [] : [idColumn]),
      ...predictions.columns,
      { name: errorColumn, sql: reasons === undefined ? 'NULL::VARCHAR' : `"#t${texts.length}"` },
    ];
    const { isFile, isJoined, partitionBy } = layouts;
    if (isFile) await range.write(kept, added, { file: join(folder, 'rows.parquet'), compression: isJoined ? 'snappy' : 'zstd' });
    const name = `part-${String(start).padStart(12, '0')}`;
    if (partitionBy !== undefined) await range.write(kept, added, { folder: join(folder, 'tree'), partitionBy, name });
    return part.outcome();
  });
}

/** The predictions of one part as they come in. */
class Part {
  readonly #work: PartWork;
  readonly #arrays: PredictionArrays;
  readonly #rows: number;
  readonly #failures = new Map<string, number>();
  #failed = 0;
  reasons: (string | null)[] | undefined;

  constructor(work: PartWork, rows: number) {
    this.#work = work;
    this.#rows = rows;
    this.#arrays = work.predictions.allocate(rows);
  }

  get numbers(): PredictionArrays['numbers'] {
    return this.#arrays.numbers;
  }

  get texts(): PredictionArrays['texts'] {
    return this.#arrays.texts;
  }

  outcome(): PartDone {
    return { predicted: this.#rows - this.#failed, failed: this.#failed, failures: [...this.#failures] };
  }

  /** Runs all batches; those that the model refuses as a whole are run again with care, so that only rows at fault fail. */
  async score(range: RowRange): Promise<void> {
    const { taken, pending, signal } = this.#work;
    const running = new Set<Promise<void>>();
    const refused = new Set<number>();
    let failure: Error | undefined;
    await range.batches(taken, batchRows, async (batch, first) => {
      if (signal?.aborted === true) throw new GyreError('CANCELLED', 'stopped; finished parts are kept, and the same command goes on');
      const run = this.#run(batch, first)
        .catch((error: unknown) => {
          // its worker died under it, or a value is at fault: the arrays are gone, but the rows are still here
          if (hasCode(error, 'UNAVAILABLE') || hasCode(error, 'INVALID_ARGUMENT')) refused.add(first);
          else failure ??= error instanceof Error ? error : new GyreError('INTERNAL', messageOf(error));
        })
        .finally(() => running.delete(run));
      running.add(run);
      if (running.size >= pending) await Promise.race(running);
      if (failure !== undefined) throw failure;
    });
    await Promise.all(running);
    if (failure !== undefined) throw failure;
    if (refused.size === 0) return;
    await range.batches(taken, batchRows, async (batch, first) => {
      if (refused.has(first)) await this.#runWithCare(batch, first);
    });
  }

  async #run(batch: Frame, first: number): Promise<void> {
    const { bindings, maxRows } = this.#work;
    if (maxRows !== undefined) return this.#runWithCare(batch, first);
    const { encoded, good, refusals } = this.#encode(batch);
    if (good === undefined || good.length > 0) {
      const count = good?.length ?? batch.rows;
      const outputs = await this.#ask(feedsOf(bindings, encoded, batch.rows, good), true);
      this.#take(outputs, count, good === undefined ? (row) => first + row : (row) => first + good[row]);
    }
    this.#refuse(refusals, first);
    this.#work.done(batch.rows, refusals.size);
  }

  async #runWithCare(batch: Frame, first: number): Promise<void> {
    const { bindings, maxRows = batchRows } = this.#work;
    const { encoded, good, refusals } = this.#encode(batch);
    const rows = good ?? Int32Array.from({ length: batch.rows }, (_, row) => row);
    const run = async (some: Int32Array): Promise<void> => {
      if (some.length === 0) return;
      if (some.length <= maxRows) {
        try {
          const outputs = await this.#ask(feedsOf(bindings, encoded, batch.rows, some), false);
          return this.#take(outputs, some.length, (row) => first + some[row]);
        } catch (error) {
          if (!hasCode(error, 'INVALID_ARGUMENT')) throw error;
          if (some.length === 1) {
            refusals.set(some[0], { text: messageOf(error), kind: 'the model cannot be run on these values' });
            return;
          }
        }
      }
      const half = some.length >> 1;
      await run(some.subarray(0, half));
      await run(some.subarray(half));
    };
    await run(rows);
    this.#refuse(refusals, first);
    this.#work.done(batch.rows, refusals.size);
  }

  #ask(feeds: Parameters<Session['run']>[0], transfer: boolean): Promise<Record<string, Tensor>> {
    const options: RunOptions = { outputs: this.#work.predictions.outputs, transfer };
    return this.#work.session.run(feeds, options);
  }

  #take(outputs: Readonly<Record<string, Tensor>>, count: number, rowOf: (row: number) => number): void {
    this.#work.predictions.take(outputs, count, rowOf, this.#arrays);
  }

  #encode(batch: Frame): { encoded: ReturnType<typeof encodeBatchColumn>[][]; good?: Int32Array; refusals: Map<number, Refusal> } {
    const { bindings, untyped } = this.#work;
    const refusals = new Map<number, Refusal>();
    // a row is refused for the first of the model's columns that does not fit
    const refuse = (row: number, refusal: Refusal): void => {
      if (!refusals.has(row)) refusals.set(row, refusal);
    };
    const encoded = bindings.map(({ tensor, columns }) =>
      columns.map((input) => {
        const values = encodeBatchColumn(input, batch, untyped === 'all' || untyped.includes(input.name), refuse);
        if (values instanceof Float64Array && tensor.type !== 'DOUBLE' && tensor.type !== 'FLOAT')
          for (let row = 0; row < values.length; row++)
            if (!isHeldBy(tensor.type, values[row])) {
              const kind = `column "${input.name}": the number is none that ${tensor.type} holds`;
              refuse(row, { text: `column "${input.name}": ${values[row]} was found, a value of ${tensor.type} is wanted`, kind });
            }
        return values;
      }),
    );
    if (refusals.size === 0) return { encoded, refusals };
    const good: number[] = [];
    for (let row = 0; row < batch.rows; row++) if (!refusals.has(row)) good.push(row);
    return { encoded, good: Int32Array.from(good), refusals };
  }

  #refuse(refusals: ReadonlyMap<number, Refusal>, first: number): void {
    for (const [row, { text, kind }] of refusals) {
      this.reasons ??= new Array<string | null>(this.#rows).fill(null);
      this.reasons[first + row] = text;
      this.#failures.set(kind, (this.#failures.get(kind) ?? 0) + 1);
    }
    this.#failed += refusals.size;
  }
}
