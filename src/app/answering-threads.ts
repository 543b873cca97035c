import { availableParallelism } from 'node:os';
import { performance } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import { GyreError, messageOf } from '#core';
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
  /** What the leading thread's clock said when the machine's own (`process.hrtime`) said `readAt`. */
  readonly clock: { readonly elapsedMs: number; readonly readAt: bigint };
}

/** What the leading thread asks of another one. */
export interface ThreadSide extends PlanePeer {
  /** Answers from then on. @throws GyreError when what is served cannot be opened there */
  open(served: PlaneChange): Promise<void>;
  drain(): Promise<void>;
  shed(share: number): Promise<void>;
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

/** How many threads may answer. @throws GyreError INVALID_ARGUMENT where ports cannot be shared among threads */
export function threadsOf(text: InferenceThreads): { readonly least: number; readonly most: number } {
  const canShare = process.platform === 'linux';
  if (text === 'auto') return { least: 1, most: canShare ? Math.min(availableParallelism(), mostByItself) : 1 };
  if (text > 1 && !canShare)
    throw new GyreError(
      'INVALID_ARGUMENT',
      `--answering-threads ${text}: several threads can answer at one port on Linux alone; 1 is right here`,
    );
  return { least: text, most: text };
}

type InferenceThreads = number | 'auto';

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
    const { leading, log } = this.#options;
    let before = performance.eventLoopUtilization();
    let looks = 0;
    this.#watching = setInterval(() => {
      const now = performance.eventLoopUtilization();
      const shares = [performance.eventLoopUtilization(now, before).utilization, ...this.#threads.map((thread) => thread.utilization())];
      before = now;
      const isBusy = shares.reduce((sum, share) => sum + share, 0) / shares.length > busyShare;
      const isInline = leading.plane.models.every(({ loaded }) => loaded.lane === 'inline');
      looks = isBusy && isInline ? looks + 1 : 0;
      if (looks < busyLooks || this.#threads.length + 1 >= most) return;
      looks = Number.NEGATIVE_INFINITY;
      this.add().then(
        () => {
          looks = 0;
          log.info({ threads: this.#threads.length + 1 }, 'another thread answers now: those that there were had no time left');
          this.#spread();
        },
        (error: unknown) => log.warn({ err: error }, 'another thread cannot answer; those that there are go on'),
      );
    }, lookEveryMs);
    this.#watching.unref();
  }

  /** Connections stay with the thread that took them: so many of each older one come anew that the new one gets its part. */
  #spread(): void {
    const share = 1 / (this.#threads.length + 1);
    for (const server of this.#options.leading.servers) server.shed(share);
    for (const thread of this.#threads.slice(0, -1)) void thread.calls.ask('shed', share);
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
      clock: { elapsedMs: leading.plane.elapsed(), readAt: process.hrtime.bigint() },
    };
    this.#worker = new Worker(new URL('./answering-thread.ts', import.meta.url), { workerData: start, name: 'gyre-answering' });
    this.#before = this.#worker.performance.eventLoopUtilization();
    const { plane } = leading;
    const own: LeadingSide = {
      setLoaded: (name, loaded) => plane.setLoaded(name, loaded),
      reports: () => plane.reports(),
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
