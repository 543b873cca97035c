import { availableParallelism } from 'node:os';
import { performance } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import { GyreError, messageOf, steadyMs } from '#core';
import type { LedgerMemory, PlaneChange, PlaneLeader, PlanePeer } from '#serving';
import type { Logger } from '#telemetry';
import type { Answering, AnsweringPorts, Tls } from './answering.ts';
import type { ContainedOptions } from './inference-options.ts';
import { ThreadCalls } from './thread-calls.ts';

/** What a thread is started with. */
export interface ThreadStart {
  readonly options: ContainedOptions;
  readonly ports: Pick<AnsweringPorts, 'http' | 'grpc'> & { readonly thread: number };
  readonly ledger: LedgerMemory;
  readonly tls?: Tls;
  /** What the leading thread's clock of elapsed time said when `steadyMs` said `readAt`. */
  readonly clock: { readonly elapsedMs: number; readonly readAt: number };
}

/** What the leading thread asks of another one. */
export interface ThreadSide extends PlanePeer {
  /** Answers from then on. @throws GyreError when what is served cannot be opened there */
  open(served: PlaneChange): Promise<void>;
  drain(): Promise<void>;
  shed(): Promise<void>;
  closeServers(): Promise<void>;
  close(): Promise<void>;
}

/** What another thread asks of the leading one. */
export interface LeadingSide extends PlaneLeader {
  logShadow(line: string): void;
}

export interface AnsweringThreadsOptions extends Pick<ThreadStart, 'options' | 'ledger' | 'tls'> {
  readonly leading: Answering;
  readonly log: Logger;
  readonly logShadow?: (line: string) => void;
}

/** Threads are added up to so many by themselves; each takes memory of its own. */
const mostByItself = 4;
const lookEveryMs = 500;
/** Of the time of all threads: beyond it another one would help. */
const busyShare = 0.75;
/** So many looks in a row. */
const busyLooks = 3;
const looksAfterFailure = 120;

/** How many threads may answer. @throws GyreError INVALID_ARGUMENT where ports cannot be shared among threads */
export function threadsOf(said: number | 'auto'): { readonly least: number; readonly most: number } {
  const canShare = process.platform === 'linux';
  if (said === 'auto') return { least: 1, most: canShare ? Math.min(availableParallelism(), mostByItself) : 1 };
  if (said > 1 && !canShare)
    throw new GyreError(
      'INVALID_ARGUMENT',
      `--answering-threads ${said}: several threads can answer at one port on Linux alone; 1 is right here`,
    );
  return { least: said, most: said };
}

/** The threads that answer beside the leading one. */
export class AnsweringThreads {
  readonly #options: AnsweringThreadsOptions;
  readonly #threads: AnsweringThread[] = [];
  #isDraining = false;
  #adding: Promise<void> | undefined;
  #watching: NodeJS.Timeout | undefined;

  constructor(options: AnsweringThreadsOptions) {
    this.#options = options;
  }

  /** Starts another one. @throws GyreError when what is served cannot be opened by it, or this data plane drains */
  add(): Promise<void> {
    const { leading } = this.#options;
    this.#adding = leading.plane.lead(async (served) => {
      const thread = await AnsweringThread.start(this.#options, this.#threads.length + 2, served);
      this.#threads.push(thread);
      if (this.#isDraining) await thread.calls.ask('drain');
      return thread.peer;
    });
    return this.#adding;
  }

  /** Adds threads while those that there are have no time left, and all models are answered on the thread that reads the request. */
  grow(most: number): void {
    const { log } = this.#options;
    let before = performance.eventLoopUtilization();
    let looks = 0;
    let isAdding = false;
    this.#watching = setInterval(() => {
      const now = performance.eventLoopUtilization();
      const shares = [performance.eventLoopUtilization(now, before).utilization, ...this.#threads.map((thread) => thread.utilization())];
      before = now;
      const isBusy = shares.reduce((sum, share) => sum + share, 0) / shares.length > busyShare;
      looks = isBusy && this.#mayGrow ? looks + 1 : Math.min(looks, 0);
      if (looks < busyLooks || isAdding || this.#threads.length + 1 >= most) return;
      isAdding = true;
      this.add()
        .then(
          () => {
            log.info({ threads: this.#threads.length + 1 }, 'another thread answers now: those that there were had no time left');
            this.#spread();
          },
          (error: unknown) => {
            looks = -looksAfterFailure;
            log.warn({ err: error }, 'another thread cannot answer; those that there are go on');
          },
        )
        .finally(() => (isAdding = false));
    }, lookEveryMs);
    this.#watching.unref();
  }

  /** Models that run elsewhere gain nothing by it, and a limit of memory would be divided. */
  get #mayGrow(): boolean {
    const { models, manifest } = this.#options.leading.plane;
    const isLimited = (this.#options.options.memoryMib ?? manifest.execution?.memoryMiB) !== undefined;
    return !isLimited && models.every(({ loaded }) => loaded.lane === 'inline');
  }

  /** Connections stay with the thread that took them: those of the older ones come anew, and the kernel spreads them over all. */
  #spread(): void {
    for (const server of this.#options.leading.servers) server.shed();
    for (const thread of this.#threads.slice(0, -1)) thread.calls.ask('shed').catch(() => undefined);
  }

  async drain(): Promise<void> {
    this.#isDraining = true;
    clearInterval(this.#watching);
    await Promise.all(this.#threads.map(({ calls }) => calls.ask('drain')));
  }

  /** They take no more requests, and have answered what was under way. */
  async closeServers(): Promise<void> {
    await this.#adding?.catch(() => undefined);
    await Promise.all(this.#threads.map(({ calls }) => calls.ask('closeServers')));
  }

  async close(): Promise<void> {
    clearInterval(this.#watching);
    await this.#adding?.catch(() => undefined);
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }
}

class AnsweringThread {
  readonly #worker: Worker;
  readonly #ended = Promise.withResolvers<void>();
  readonly calls: ThreadCalls<ThreadSide>;
  #before: ReturnType<typeof performance.eventLoopUtilization>;
  #isOpen = false;
  #isClosing = false;

  private constructor({ options, ledger, tls, leading, logShadow }: AnsweringThreadsOptions, thread: number) {
    const [http, grpc] = leading.servers;
    const start: ThreadStart = {
      options,
      ports: { http: http.port, grpc: grpc?.port ?? 'off', thread },
      ledger,
      ...(tls === undefined ? {} : { tls }),
      clock: { elapsedMs: leading.plane.elapsed(), readAt: steadyMs() },
    };
    this.#worker = new Worker(new URL('./answering-thread.ts', import.meta.url), { workerData: start, name: 'gyre-answering' });
    this.#before = this.#worker.performance.eventLoopUtilization();
    const { plane } = leading;
    const own: LeadingSide = {
      setLoaded: (name, loaded) => plane.setLoaded(name, loaded),
      reports: () => plane.reports(),
      metricsText: async () => plane.metricsText(),
      logShadow: (line) => logShadow?.(line),
    };
    this.calls = new ThreadCalls(this.#worker, { ...own });
    this.#worker.on('error', (error) => {
      this.calls.end(`a thread that answers ended: ${messageOf(error)}`);
      // What was under way there is lost, as with a process that dies; whoever supervises this one starts it again.
      if (this.#isOpen) throw error;
    });
    this.#worker.on('exit', (code) => {
      this.calls.end(`a thread that answers ended with code ${code}`);
      this.#ended.resolve();
      if (this.#isOpen && !this.#isClosing) throw new Error(`a thread that answers ended with code ${code}`);
    });
  }

  static async start(options: AnsweringThreadsOptions, thread: number, served: PlaneChange): Promise<AnsweringThread> {
    const started = new AnsweringThread(options, thread);
    try {
      await started.calls.ask('open', served);
      started.#isOpen = true;
      return started;
    } catch (error) {
      await started.#worker.terminate();
      throw error;
    }
  }

  get peer(): PlanePeer {
    const { calls } = this;
    return {
      prepare: (change) => calls.ask('prepare', change),
      commit: () => calls.ask('commit'),
      abandon: () => calls.ask('abandon'),
      flush: () => calls.ask('flush'),
      report: () => calls.ask('report'),
      collect: () => calls.ask('collect'),
    };
  }

  /** The share of its time since it was last asked that it was busy, 0 to 1. */
  utilization(): number {
    const now = this.#worker.performance.eventLoopUtilization();
    const { utilization } = this.#worker.performance.eventLoopUtilization(now, this.#before);
    this.#before = now;
    return utilization;
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    await this.calls.ask('close');
    await this.#ended.promise;
  }
}
