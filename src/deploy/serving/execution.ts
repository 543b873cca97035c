import { GyreError, messageOf } from '#core';
import { openSession, openSessionPool } from '#onnx';
import type { Feeds, RunOptions, Session, SessionPool } from '#onnx';
import type { Outputs } from './batcher.ts';
import type { ExecutionBounds, ExecutionSettings, Lane } from './execution-settings.ts';
import type { MemoryBudget, MemoryUser } from './memory-budget.ts';
import type { PythonFigures, PythonSession } from './python/python-session.ts';

export interface ExecutionDeps {
  readonly settings: ExecutionSettings;
  /** The model's graph; read again whenever it is loaded. */
  readonly readGraph: () => Promise<Uint8Array>;
  /** Milliseconds since some fixed moment, not stepping back. */
  readonly elapsed: () => number;
  readonly cores: CoreUse;
  readonly budget: MemoryBudget;
}

/** Runs on worker threads of all models of a data plane: whether one more has all cores for itself. */
export interface CoreUse {
  running: number;
}

/** Whom an execution tells what changed. */
export interface ExecutionEvents {
  /** More runs may go at once than before. */
  readonly onSlots: () => void;
  /** It was asked to wake up and could not; what waits for it fails with this. */
  readonly onFailure: (error: unknown) => void;
}

type Running =
  | { readonly lane: 'inline'; readonly session: Session; readonly bytes: number }
  | { readonly lane: 'workers'; readonly narrow: SessionPool; readonly wide?: SessionPool }
  | { readonly lane: 'python'; readonly session: PythonSession; readonly open: () => Promise<PythonSession> };

/** What a worker does of its time when the next one is worth its memory. */
const fullShare = 0.7;
/** Runs with all cores, less those of lone requests, for which others waited or were put in with: two workers with one core each do more. */
const crowdedRuns = 16;
/** A worker with all cores is kept for requests that are alone when it is faster by this factor. */
const worthwhile = 1.2;

/**
 * Where a loaded model runs, growing and shrinking with what is asked of it: inline, or on worker threads of one core each, from none to a
 * maximum, beside one worker with all cores for requests that are alone. Asleep, it holds no memory; it wakes when it is asked.
 */
export class Execution implements MemoryUser, AsyncDisposable {
  #settings: ExecutionSettings;
  readonly #deps: ExecutionDeps;
  #events: ExecutionEvents = { onSlots: () => undefined, onFailure: () => undefined };
  #running: Running | undefined;
  #lane: Lane | 'python';
  readonly #openPython: (() => Promise<PythonSession>) | undefined;
  /** Whether a worker with all cores is worth its memory. */
  #isWide = false;
  /** Whether Gyre itself computed it when it was last awake. */
  #wasOwn = false;
  /** One change at a time: growing, shrinking, moving, waking. */
  #change: Promise<void> | undefined;
  #closed = false;
  #active = 0;
  #busyMs = 0;
  #crowded = 0;
  #windowMs: number;
  #lastUsedMs: number;
  #coldStarts = 0;
  #coldStartMs: number | undefined;

  private constructor(deps: ExecutionDeps, running: Running) {
    this.#deps = deps;
    this.#settings = deps.settings;
    this.#running = running;
    this.#lane = running.lane;
    this.#openPython = running.lane === 'python' ? running.open : undefined;
    this.#windowMs = deps.elapsed();
    this.#lastUsedMs = this.#windowMs;
    deps.budget.add(this);
  }

  /**
   * Loads a model on this thread or on one worker, as it is probed.
   * @throws GyreError what `openSession` and `openSessionPool` throw
   */
  static async open(graph: Uint8Array, lane: Lane, deps: ExecutionDeps): Promise<Execution> {
    return new Execution(deps, await (lane === 'inline' ? openInline(graph, deps) : openWorkers(graph, deps)));
  }

  /**
   * Has a model that Python runs loaded by processes of its own.
   * @param open loads it; called again whenever it wakes up
   * @throws GyreError what `open` throws
   */
  static async openPython(open: () => Promise<PythonSession>, deps: Omit<ExecutionDeps, 'readGraph'>): Promise<Execution> {
    const readGraph = (): Promise<never> => Promise.reject(new GyreError('INTERNAL', 'a model that Python runs has no graph'));
    return new Execution({ ...deps, readGraph }, { lane: 'python', session: await open(), open });
  }

  /** What the model takes and gives, while it is awake. */
  get session(): Session | undefined {
    return this.#running?.lane === 'workers' ? this.#running.narrow : this.#running?.session;
  }

  /** Of a model that Python runs, while it is awake. */
  get python(): PythonFigures | undefined {
    return this.#running?.lane === 'python' ? this.#running.session.figures : undefined;
  }

  set events(events: ExecutionEvents) {
    this.#events = events;
  }

  /** Where it runs; asleep, where it will. */
  get lane(): Lane | 'python' {
    return this.#lane;
  }

  get isAsleep(): boolean {
    return this.#running === undefined;
  }

  /** Worker threads that take runs. */
  get workers(): number {
    const running = this.#running;
    return running?.lane === 'workers' ? running.narrow.ready + (running.wide?.ready ?? 0) : 0;
  }

  /** Whether one of them has all cores: `max` counts the others. */
  get hasWideWorker(): boolean {
    return this.#running?.lane === 'workers' && this.#running.wide !== undefined;
  }

  /** Worker threads that died and were started again. */
  get restarts(): number {
    const running = this.#running;
    return running?.lane === 'workers' ? running.narrow.restarts + (running.wide?.restarts ?? 0) : 0;
  }

  get coldStarts(): number {
    return this.#coldStarts;
  }

  /** How long it took to wake up the last time. */
  get coldStartMs(): number | undefined {
    return this.#coldStartMs;
  }

  get memoryBytes(): number {
    const running = this.#running;
    if (running === undefined) return 0;
    if (running.lane === 'inline') return running.bytes;
    if (running.lane === 'python') return running.session.figures.residentBytes;
    return [running.narrow, running.wide].reduce((sum, pool) => sum + (pool === undefined ? 0 : pool.workers * pool.workerBytes), 0);
  }

  get lastUsedMs(): number {
    return this.#lastUsedMs;
  }

  get isIdle(): boolean {
    return this.#active === 0 && this.#change === undefined;
  }

  /** Runs that may go at once. */
  get slots(): number {
    const running = this.#running;
    if (running === undefined) return 0;
    if (running.lane === 'python') return running.session.slots;
    return running.lane === 'inline' ? 1 : Math.max(1, running.narrow.ready);
  }

  /** Full runs that may be given to worker threads ahead of time: one each. */
  get ahead(): number {
    return this.#running?.lane === 'workers' ? this.#running.narrow.ready : 0;
  }

  /**
   * Runs the model once.
   * @param isLone whether no other request waits: then it may have all cores
   * @throws GyreError what `Session.run` throws
   */
  async run(feeds: Feeds, options: RunOptions, isLone = true): Promise<Outputs> {
    const { elapsed, cores } = this.#deps;
    const session = this.#sessionFor(isLone);
    this.#crowded = Math.max(0, this.#crowded + (isLone ? -1 : 1));
    const startedMs = elapsed();
    const onWorkers = this.#lane === 'workers';
    this.#active += 1;
    if (onWorkers) cores.running += 1;
    try {
      return await session.run(feeds, options);
    } finally {
      if (onWorkers) cores.running -= 1;
      this.#active -= 1;
      this.#lastUsedMs = elapsed();
      this.#busyMs += this.#lastUsedMs - startedMs;
    }
  }

  /** What computes it: asleep, what will. */
  get engine(): 'gyre' | 'onnxruntime' | 'python' {
    if (this.#lane === 'python') return 'python';
    return (this.isAsleep ? this.#wasOwn : this.canRunNow) ? 'gyre' : 'onnxruntime';
  }

  /** Whether `runNow` may be asked. */
  get canRunNow(): boolean {
    const running = this.#running;
    return running?.lane === 'inline' && running.session.runNow !== undefined;
  }

  /**
   * Runs the model once, here and at once.
   * @throws GyreError what `Session.runNow` throws; UNAVAILABLE where `canRunNow` is false
   */
  runNow(feeds: Feeds): Outputs {
    const { elapsed } = this.#deps;
    const running = this.#running;
    if (running?.lane !== 'inline' || running.session.runNow === undefined)
      throw new GyreError('UNAVAILABLE', 'the model does not run here and now; try again');
    const startedMs = elapsed();
    try {
      return running.session.runNow(feeds);
    } finally {
      this.#lastUsedMs = elapsed();
      this.#busyMs += this.#lastUsedMs - startedMs;
    }
  }

  #sessionFor(isLone: boolean): Session {
    const running = this.#running;
    if (running === undefined) throw new GyreError('UNAVAILABLE', 'the model is not loaded now; try again');
    if (running.lane !== 'workers') return running.session;
    const { narrow, wide } = running;
    // One that died is not waited for where there are others: it may take seconds to come back when it dies again and again.
    if (wide === undefined || (wide.ready === 0 && narrow.workers > 0)) return narrow;
    return (isLone && this.#deps.cores.running === 0) || narrow.ready === 0 ? wide : narrow;
  }

  /**
   * Keeps a worker with all cores when it answers a lone request faster than one with a single core.
   * @param fastest measures the time of one run
   */
  async widen(fastest: (session: Session) => Promise<number>): Promise<void> {
    const running = this.#running;
    const { cores, threads, provider } = this.settings;
    if (running?.lane !== 'workers' || threads !== 'auto' || cores < 2 || provider !== 'cpu') return;
    const wide = await openSessionPool(await this.#deps.readGraph(), { workers: 1, intraOpThreads: cores });
    if ((await fastest(running.narrow)) < worthwhile * (await fastest(wide))) {
      await wide[Symbol.asyncDispose]();
      return;
    }
    this.#isWide = true;
    this.#running = { ...running, wide };
    await running.narrow.resize(this.#resting);
  }

  /** Workers with one core that stay when little is asked. */
  get #resting(): number {
    const { min } = this.settings;
    return this.#isWide ? Math.max(0, min - 1) : Math.max(1, min);
  }

  get settings(): ExecutionSettings {
    return this.#settings;
  }

  /** Other bounds hold from now on. */
  keepWithin({ min, max, maxQueued }: ExecutionBounds): void {
    this.#settings = { ...this.#settings, min, max, maxQueued };
    const running = this.#running;
    if (running?.lane !== 'workers' || this.#change !== undefined || this.#closed) return;
    const { narrow } = running;
    const workers = Math.min(Math.max(narrow.workers, this.#resting), Math.max(max, this.#resting));
    if (workers !== narrow.workers) void this.#begin(() => narrow.resize(workers));
  }

  /** Brings it to the number of workers that stay. */
  async rest(): Promise<void> {
    if (this.#running?.lane === 'workers') await this.#running.narrow.resize(this.#resting);
  }

  /**
   * Grows while requests wait too long, wakes up for the first one.
   * @param waitedMs how long the request that is next has waited for a run
   */
  press(waitedMs: number): void {
    const running = this.#running;
    if (this.#change !== undefined || this.#closed) return;
    if (running === undefined) void this.#begin(() => this.#wake());
    else if (running.lane === 'workers' && (waitedMs >= this.settings.waitMs || this.#isCrowded)) {
      const { narrow } = running;
      this.#crowded = 0;
      const more = this.#more(narrow.workers);
      if (more > narrow.workers && this.#deps.budget.allows((more - narrow.workers) * narrow.workerBytes))
        void this.#begin(() => narrow.resize(more));
    }
  }

  get #isCrowded(): boolean {
    return this.#isWide && this.#running?.lane === 'workers' && this.#running.narrow.workers === 0 && this.#crowded >= crowdedRuns;
  }

  /** One worker with a single core beside one with all of them would make a wave slower at first: there are two at once. */
  #more(workers: number): number {
    const { max } = this.settings;
    if (!this.#isWide) return Math.min(max, workers + 1);
    return max < 2 ? 0 : Math.min(max, Math.max(2, workers + 1));
  }

  /** Once in a while: ends workers that were not needed for long, and puts to sleep what nobody asks. @param waiting requests that wait */
  relax(waiting: number): void {
    const { min, idleMs } = this.settings;
    const nowMs = this.#deps.elapsed();
    const running = this.#running;
    if (running === undefined || this.#change !== undefined || this.#closed) return;
    if (min === 0 && waiting === 0 && this.#active === 0 && nowMs - this.#lastUsedMs >= idleMs) {
      void this.sleep();
      return;
    }
    const overMs = nowMs - this.#windowMs;
    if (overMs < idleMs) return;
    const needed = Math.ceil(this.#busyMs / overMs / fullShare);
    this.#windowMs = nowMs;
    this.#busyMs = 0;
    if (running.lane !== 'workers') return;
    const { narrow } = running;
    const fewer = this.#isWide && needed < 2 ? this.#resting : Math.max(needed, this.#resting);
    if (fewer < narrow.workers) void this.#begin(() => narrow.resize(fewer));
  }

  /** Gives its memory back until it is asked again. */
  async sleep(): Promise<void> {
    if (!this.isIdle || this.#closed) return;
    const running = this.#running;
    this.#wasOwn = this.canRunNow;
    this.#running = undefined;
    if (running !== undefined) await this.#begin(() => close(running));
  }

  async #wake(): Promise<void> {
    const { elapsed, budget } = this.#deps;
    const startedMs = elapsed();
    let running: Running;
    try {
      running = await this.#openAgain();
    } catch (error) {
      this.#events.onFailure(error);
      return;
    }
    this.#running = running;
    this.#coldStarts += 1;
    this.#lastUsedMs = elapsed();
    this.#windowMs = this.#lastUsedMs;
    this.#coldStartMs = this.#lastUsedMs - startedMs;
    void budget.settle(this);
  }

  async #openAgain(): Promise<Running> {
    if (this.#openPython !== undefined) return { lane: 'python', session: await this.#openPython(), open: this.#openPython };
    const graph = await this.#deps.readGraph();
    if (this.#lane === 'inline') return openInline(graph, this.#deps);
    if (!this.#isWide) return openWorkers(graph, this.#deps);
    const wide = await openSessionPool(graph, { workers: 1, intraOpThreads: this.settings.cores });
    return { lane: 'workers', narrow: await openPool(graph, this.#resting, this.#deps), wide };
  }

  /** Runs elsewhere from now on; runs under way finish where they are. @returns whether it moved */
  async move(lane: Lane): Promise<boolean> {
    const before = this.#running;
    if (before === undefined || before.lane === lane || this.#change !== undefined || this.#closed) return false;
    let moved = false;
    await this.#begin(async () => {
      const graph = await this.#deps.readGraph();
      this.#running = await (lane === 'inline' ? openInline(graph, this.#deps) : openWorkers(graph, this.#deps));
      this.#lane = lane;
      this.#isWide = false;
      moved = true;
      this.#events.onSlots();
      await close(before);
    });
    return moved;
  }

  /** A change that fails leaves what there was; what it was made for brings it again. */
  #begin(change: () => Promise<void>): Promise<void> {
    const done = change()
      .catch((error: unknown) => this.#note(error))
      .finally(() => {
        this.#change = undefined;
        this.#events.onSlots();
      });
    this.#change = done;
    return done;
  }

  #note(error: unknown): void {
    this.lastFailure = messageOf(error);
  }

  /** Why the last change (one more worker, another lane) could not be made. */
  lastFailure: string | undefined;

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#deps.budget.remove(this);
    await this.#change;
    if (this.#running !== undefined) await close(this.#running);
  }
}

function sessionOptions({ settings }: ExecutionDeps): {
  readonly intraOpThreads: number;
  readonly provider: ExecutionSettings['provider'];
} {
  return { intraOpThreads: settings.threads === 'auto' ? 1 : settings.threads, provider: settings.provider };
}

async function openInline(graph: Uint8Array, deps: ExecutionDeps): Promise<Running> {
  const before = process.memoryUsage.rss();
  const session = await openSession(graph, { ...sessionOptions(deps), direct: deps.settings.engine === 'auto' });
  return { lane: 'inline', session, bytes: Math.max(graph.byteLength, process.memoryUsage.rss() - before) };
}

async function openWorkers(graph: Uint8Array, deps: ExecutionDeps): Promise<Running> {
  return { lane: 'workers', narrow: await openPool(graph, Math.max(1, deps.settings.min), deps) };
}

function openPool(graph: Uint8Array, workers: number, deps: ExecutionDeps): Promise<SessionPool> {
  return openSessionPool(graph, { ...sessionOptions(deps), workers, maxQueued: deps.settings.maxQueued });
}

async function close(running: Running): Promise<void> {
  if (running.lane !== 'workers') await running.session[Symbol.asyncDispose]();
  else await Promise.all([running.narrow[Symbol.asyncDispose](), running.wide?.[Symbol.asyncDispose]()]);
}
