import type { AnswerTotals, Signature } from '#contract';
import { AnswerCounts, sumAnswers } from './answer-counts.ts';
import type { Outcome } from './outcome.ts';
import { Traffic } from './traffic.ts';

/** Milliseconds of one run, in its parts. */
export interface RunTimes {
  /** Putting the rows of requests together. */
  readonly inputMs: number;
  readonly inferMs: number;
  /** What the run took of a processor, where a worker thread that says so ran it. */
  readonly computedMs?: number;
  /** Taking them apart again. */
  readonly outputMs: number;
}

/** How often, and how long all in all, in milliseconds. */
export interface Total {
  readonly count: number;
  readonly ms: number;
}

export interface BatchTotals {
  /** Rows of one run. */
  readonly rows: number;
  readonly runs: number;
  readonly inputMs: number;
  readonly inferMs: number;
  readonly outputMs: number;
}

/** What `ModelStatistics` counted, as it was at one moment. It can be sent to another thread. */
export interface ModelTotals {
  readonly success: Total;
  readonly failure: Total;
  /** Waiting for the executor. */
  readonly queue: Total;
  /** Rows that were answered. */
  readonly rows: number;
  /** When the last request was answered, UTC milliseconds; 0: none was. */
  readonly lastAt: number;
  /** Runs by how many rows they had. */
  readonly batches: readonly BatchTotals[];
  readonly answers: AnswerTotals;
}

class Sum implements Total {
  count = 0;
  ms = 0;

  add(ms: number): void {
    this.count += 1;
    this.ms += ms;
  }
}

/** What a model has done since its data plane began, as the statistics extension of the Open Inference Protocol counts it. */
export class ModelStatistics implements ModelTotals {
  readonly traffic: Traffic;
  readonly #success = new Sum();
  readonly #failure = new Sum();
  readonly #queue = new Sum();
  readonly #batches = new Map<number, { rows: number; runs: number; inputMs: number; inferMs: number; outputMs: number }>();
  #rows = 0;
  #lastAt = 0;

  readonly #answers: AnswerCounts;

  /** @param elapsed milliseconds since some fixed moment, not stepping back @param since UTC milliseconds */
  constructor(elapsed: () => number, since = 0) {
    this.traffic = new Traffic(elapsed);
    this.#answers = new AnswerCounts(since);
  }

  /** @param tookMs from the request's arrival to its answer @param at UTC milliseconds */
  succeeded({
    rows,
    tookMs,
    queuedMs,
    at,
  }: {
    readonly rows: number;
    readonly tookMs: number;
    readonly queuedMs: number;
    readonly at: number;
  }): void {
    this.#success.add(tookMs);
    this.traffic.note(tookMs, false);
    this.#answers.note(tookMs, false);
    this.#queue.add(queuedMs);
    this.#rows += rows;
    this.#lastAt = at;
  }

  failed(tookMs: number): void {
    this.#failure.add(tookMs);
    this.traffic.note(tookMs, true);
    this.#answers.note(tookMs, true);
  }

  predicted(signature: Signature, outcomes: readonly Outcome[] | undefined): void {
    this.#answers.predicted(signature, outcomes);
  }

  ran(rows: number, { inputMs, inferMs, outputMs }: RunTimes): void {
    const known = this.#batches.get(rows);
    if (known === undefined) {
      this.#batches.set(rows, { rows, runs: 1, inputMs, inferMs, outputMs });
      return;
    }
    known.runs += 1;
    known.inputMs += inputMs;
    known.inferMs += inferMs;
    known.outputMs += outputMs;
  }

  get success(): Total {
    return this.#success;
  }

  get failure(): Total {
    return this.#failure;
  }

  get queue(): Total {
    return this.#queue;
  }

  get rows(): number {
    return this.#rows;
  }

  get lastAt(): number {
    return this.#lastAt;
  }

  get batches(): readonly BatchTotals[] {
    return [...this.#batches.values()].sort((one, other) => one.rows - other.rows);
  }

  get answers(): AnswerTotals {
    return this.#answers.totals;
  }

  /** A copy that stays as it is. */
  get totals(): ModelTotals {
    return sumTotals([this]);
  }
}

/** @param parts of at least one thread that runs the model */
export function sumTotals(parts: readonly ModelTotals[]): ModelTotals {
  const sum = (of: (part: ModelTotals) => Total): Total => ({
    count: parts.reduce((total, part) => total + of(part).count, 0),
    ms: parts.reduce((total, part) => total + of(part).ms, 0),
  });
  const byRows = Map.groupBy(
    parts.flatMap(({ batches }) => batches),
    ({ rows }) => rows,
  );
  const batches = [...byRows].map(([rows, same]) => {
    const all = (key: 'runs' | 'inputMs' | 'inferMs' | 'outputMs'): number => same.reduce((total, part) => total + part[key], 0);
    return { rows, runs: all('runs'), inputMs: all('inputMs'), inferMs: all('inferMs'), outputMs: all('outputMs') };
  });
  return {
    success: sum(({ success }) => success),
    failure: sum(({ failure }) => failure),
    queue: sum(({ queue }) => queue),
    rows: parts.reduce((total, { rows }) => total + rows, 0),
    lastAt: Math.max(...parts.map(({ lastAt }) => lastAt)),
    batches: batches.sort((one, other) => one.rows - other.rows),
    answers: sumAnswers(parts.map(({ answers }) => answers)),
  };
}
