import { setTimeout as delay } from 'node:timers/promises';
import { GyreError, hasCode, messageOf } from '#core';
import { requireFeeds } from '#onnx';
import type { Feeds, RunOptions, Session, SessionValue, Tensor } from '#onnx';
import { RunnerProcess } from './runner-process.ts';
import type { RunnerFacts, RunnerStart } from './runner-process.ts';

/** What is known of the processes of a model in Python. */
export interface PythonFigures extends RunnerFacts {
  /** Those that have loaded the model. */
  readonly processes: number;
  /** How often one died and was started again. */
  readonly restarts: number;
  /** Memory of all of them together, when they were asked last. */
  readonly residentBytes: number;
  readonly pids: readonly number[];
}

export interface PythonSessionOptions extends Omit<RunnerStart, 'workFolder'> {
  /** Processes, each with the model loaded; at least 1. */
  readonly processes: number;
  /** An empty folder for a process, and its end. */
  readonly workFolder: () => Promise<{ readonly path: string; readonly remove: () => Promise<void> }>;
  readonly inputs: readonly SessionValue[];
  /** Milliseconds that have passed, from any start. */
  readonly elapsed: () => number;
  /** Let go when the session ends, such as a say that what it runs from is in use. */
  readonly held: Disposable;
  /** Told why a process died. */
  readonly onDeath: (why: string) => void;
}

interface Job {
  readonly feeds: Feeds;
  readonly resolve: (outputs: Record<string, Tensor>) => void;
  readonly reject: (error: unknown) => void;
}

/** A process that cannot load the model again and again is started after 0, 200, 400, … ms, at most this. */
const shortestRestartDelayMs = 200;
const longestRestartDelayMs = 60_000;
/** One that dies while it runs the model is started again sooner: other requests wait for it. */
const longestPauseMs = 5_000;
/** One that has lived so long is not counted among those that die again and again. */
const steadyMs = 30_000;
const nothing: ReadonlySet<string> = new Set();

/**
 * A model in Python as a session: processes with the model in them, kept alive. What a dead process had under way is answered UNAVAILABLE;
 * runs wait for the next one while it loads the model, and are answered UNAVAILABLE at once where that failed.
 */
export class PythonSession implements Session {
  readonly inputs: readonly SessionValue[];
  readonly #options: PythonSessionOptions;
  readonly #processes = new Set<RunnerProcess>();
  readonly #starting = new Set<RunnerProcess>();
  readonly #queue: Job[] = [];
  readonly #closing = new AbortController();
  readonly #restarting = new Set<Promise<void>>();
  #outputs: readonly SessionValue[] = [];
  #facts: RunnerFacts | undefined;
  #restarts = 0;
  #running = 0;
  #idle = Promise.withResolvers<void>();
  /** Why the last process could not be started, while none runs. */
  #down: string | undefined;

  private constructor(options: PythonSessionOptions) {
    this.#options = options;
    this.inputs = options.inputs;
  }

  /**
   * Starts the processes and waits until all have loaded the model.
   * @throws GyreError FAILED_PRECONDITION with the words of the model's code when it cannot be loaded; UNAVAILABLE when a process ends
   */
  static async open(options: PythonSessionOptions): Promise<PythonSession> {
    const session = new PythonSession(options);
    const started = await Promise.allSettled(Array.from({ length: options.processes }, () => session.#start(0)));
    const failed = started.find((start) => start.status === 'rejected');
    if (failed === undefined) return session;
    await session[Symbol.asyncDispose]();
    // That it ended says less than what it printed last; whoever loads it can act on both in the same way.
    if (!hasCode(failed.reason, 'UNAVAILABLE') && !hasCode(failed.reason, 'DEADLINE_EXCEEDED')) throw failed.reason;
    throw new GyreError('FAILED_PRECONDITION', messageOf(failed.reason), {}, { cause: failed.reason });
  }

  get outputs(): readonly SessionValue[] {
    return this.#outputs;
  }

  /** What the model gives is known when it has answered once. */
  declareOutputs(outputs: readonly SessionValue[]): void {
    this.#outputs = outputs;
  }

  /** Runs that may go at once. */
  get slots(): number {
    return this.#options.processes;
  }

  get figures(): PythonFigures {
    const processes = [...this.#processes];
    return {
      ...(this.#facts ?? { python: '', libraries: {} }),
      processes: processes.length,
      restarts: this.#restarts,
      residentBytes: processes.reduce((sum, { residentBytes }) => sum + residentBytes, 0),
      pids: processes.flatMap(({ pid }) => (pid === undefined ? [] : [pid])),
    };
  }

  async run(feeds: Feeds, { outputs }: RunOptions = {}): Promise<Record<string, Tensor>> {
    if (this.#closing.signal.aborted) throw new GyreError('UNAVAILABLE', 'the model is unloaded');
    requireFeeds(feeds, { inputs: this.inputs, outputs: this.#outputs, optional: nothing });
    if (this.#down !== undefined) throw this.#unavailable();
    this.#running += 1;
    try {
      const { promise, resolve, reject } = Promise.withResolvers<Record<string, Tensor>>();
      this.#queue.push({ feeds, resolve, reject });
      this.#dispatch();
      const given = await promise;
      return outputs === undefined ? given : Object.fromEntries(Object.entries(given).filter(([name]) => outputs.includes(name)));
    } finally {
      this.#running -= 1;
      if (this.#running === 0) this.#idle.resolve();
    }
  }

  /** Runs that are under way finish first. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closing.signal.aborted) return;
    while (this.#running > 0) {
      this.#idle = Promise.withResolvers();
      await this.#idle.promise;
    }
    this.#closing.abort();
    for (const process of this.#starting) process.kill('the model is unloaded');
    await Promise.all([...this.#processes, ...this.#starting].map((process) => process.stop()));
    await Promise.all(this.#restarting);
    this.#options.held[Symbol.dispose]();
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const free = [...this.#processes].find(({ load }) => load === 0);
      const job = free === undefined ? undefined : this.#queue.shift();
      if (free === undefined || job === undefined) return;
      void this.#runOn(free, job);
    }
  }

  async #runOn(process: RunnerProcess, job: Job): Promise<void> {
    try {
      job.resolve(await process.run(job.feeds));
    } catch (error) {
      job.reject(error);
    }
    this.#dispatch();
  }

  /** @param deaths how many died one after the other, none of which lived for long */
  async #start(deaths: number): Promise<void> {
    const folder = await this.#options.workFolder();
    const startedMs = this.#options.elapsed();
    let loaded = false;
    const process = new RunnerProcess({ ...this.#options, workFolder: folder.path }, () => {
      this.#starting.delete(process);
      this.#processes.delete(process);
      const restarted = folder.remove().then(async () => {
        // Whoever starts a process sees that it could not load the model.
        if (this.#closing.signal.aborted || !loaded) return;
        this.#options.onDeath(process.death);
        await this.#replace(this.#options.elapsed() - startedMs > steadyMs ? 0 : deaths);
      });
      this.#restarting.add(restarted);
      void restarted.finally(() => this.#restarting.delete(restarted));
    });
    this.#starting.add(process);
    try {
      this.#facts = await process.ready;
    } catch (error) {
      process.kill(messageOf(error));
      throw error;
    }
    loaded = true;
    this.#starting.delete(process);
    if (this.#closing.signal.aborted) return;
    this.#processes.add(process);
    this.#down = undefined;
    this.#dispatch();
  }

  async #replace(deaths: number): Promise<void> {
    this.#restarts += 1;
    let longestMs = longestPauseMs;
    for (let failures = deaths; ; failures += 1) {
      const waitMs = failures === 0 ? 0 : Math.min(longestMs, shortestRestartDelayMs * 2 ** (failures - 1));
      try {
        await delay(waitMs, undefined, { signal: this.#closing.signal, ref: false });
      } catch {
        return;
      }
      try {
        await this.#start(failures + 1);
        return;
      } catch (error) {
        if (this.#closing.signal.aborted) return;
        longestMs = longestRestartDelayMs;
        this.#options.onDeath(messageOf(error));
        if (this.#processes.size === 0) {
          this.#down = messageOf(error);
          for (const job of this.#queue.splice(0)) job.reject(this.#unavailable());
        }
      }
    }
  }

  #unavailable(): GyreError {
    return new GyreError('UNAVAILABLE', `the model's Python process is being started again; try again later (${this.#down ?? 'it ended'})`);
  }
}
