import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Check } from 'typebox/schema';
import { type Faults, GyreError, messageOf, noFaults } from '#core';
import { PlaneFigures } from '#contract';
import type { SignedManifest } from '#contract';
import { listSegments } from '#serving';
import type { Logger } from '#telemetry';
import type { PlaneProcess } from './plane-process.ts';
import { replaceFile } from './replace-file.ts';

/** Where a data plane answers. */
export interface PlanePorts {
  readonly rest: number;
  readonly grpc: number;
}

/** What a process of a data plane is started with. */
export interface PlaneLaunch {
  readonly manifest: string;
  readonly spool: string;
  readonly ports: PlanePorts;
  readonly onExit: (code: number | null) => void;
}

export interface SupervisedPlaneOptions {
  readonly environment: string;
  /** The environment's own folder: its manifest and its spool. */
  readonly folder: string;
  readonly host: string;
  /** The ports that are asked for now; 0 takes a free one. */
  readonly ports: () => PlanePorts;
  /** What the project allows a plane, in words: one that was started with others is started anew before it serves another manifest. */
  readonly allows?: () => string;
  /** Starts the process. */
  readonly start: (launch: PlaneLaunch) => Promise<PlaneProcess>;
  readonly log: Logger;
  readonly faults?: Faults;
  /** Finished segments of the prediction log, oldest first. */
  readonly onSegments: (paths: readonly string[]) => Promise<void>;
  /** Before a plane that died is started again for the second time in a row; doubles up to a minute. */
  readonly retryMs: number;
}

const longestRetryMs = 60_000;
/** How long a predecessor that still drains may hold the port. */
const portPatienceMs = 10_000;

/** One environment's data plane, kept alive. What changes it goes one after the other: a swap never meets a restart half-way. */
export class SupervisedPlane implements AsyncDisposable {
  readonly #options: SupervisedPlaneOptions;
  readonly #manifestFile: string;
  readonly spool: string;
  #process: PlaneProcess | undefined;
  #manifest: SignedManifest | undefined;
  #turns: Promise<unknown> = Promise.resolve();
  /** Shipping under way, and the one that waits behind it: more than that would ship nothing more. */
  #shipping: Promise<void> | undefined;
  #nextShipping: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  /** In a row: one that lived for a while does not count. */
  #deaths = 0;
  #startedMs = 0;
  #closed = false;
  #allowed: string | undefined;

  constructor(options: SupervisedPlaneOptions) {
    this.#options = options;
    this.#manifestFile = join(options.folder, 'manifest.json');
    this.spool = join(options.folder, 'spool');
  }

  get address(): string | undefined {
    return this.#process?.address;
  }

  get grpcAddress(): string | undefined {
    return this.#process?.grpcAddress;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** See `DataPlanes.apply`. */
  apply(manifest: SignedManifest): Promise<{ readonly address: string }> {
    return this.#inTurn(async () => {
      if (this.#closed) throw new GyreError('UNAVAILABLE', `the data plane of "${this.#options.environment}" is being closed`);
      if (this.#process !== undefined && this.#manifest?.signature === manifest.signature) return { address: this.#process.address };
      if (this.#process === undefined) return this.#replace(manifest);
      if (this.#allowed !== this.#options.allows?.()) {
        await this.#stop();
        return this.#replace(manifest);
      }
      // An older one is asked for when a switch could not be recorded, or an agent refused it.
      const isBack = this.#manifest !== undefined && manifest.manifest.generation <= this.#manifest.manifest.generation;
      if (!isBack) return this.#reload(this.#process, manifest, false);
      try {
        return await this.#reload(this.#process, manifest, true);
      } catch {
        // What served it before serves it again, also when the way back has to be a start.
        await this.#stop();
        return this.#replace(manifest);
      }
    });
  }

  /** How it does just now; undefined when it does not run, or says what nobody knows. */
  async figures(): Promise<PlaneFigures | undefined> {
    const answer = await this.#process?.ask('stats').catch(() => undefined);
    const stats = answer?.['stats'];
    return Check(PlaneFigures, stats) ? stats : undefined;
  }

  /** Hands over what was predicted until now. A plane that is down has its finished segments handed over. */
  ship(): Promise<void> {
    if (this.#shipping === undefined) {
      this.#shipping = this.#shipOnce().finally(() => {
        this.#shipping = undefined;
      });
      return this.#shipping;
    }
    // What is under way may have looked before the caller's predictions were made.
    this.#nextShipping ??= this.#shipping
      .catch(() => undefined)
      .then(() => {
        this.#nextShipping = undefined;
        return this.ship();
      });
    return this.#nextShipping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    await this.#inTurn(() => this.#stop());
    await Promise.allSettled([this.#shipping, this.#nextShipping]);
  }

  async #start(manifest: SignedManifest, ports = this.#options.ports()): Promise<{ readonly address: string }> {
    clearTimeout(this.#retry);
    this.#writeManifest(manifest);
    this.#allowed = this.#options.allows?.();
    for (const port of [ports.rest, ports.grpc]) if (port !== 0) await portFree(this.#options.host, port);
    const process: PlaneProcess = await this.#options.start({
      manifest: this.#manifestFile,
      spool: this.spool,
      ports,
      onExit: (code) => this.#died(process, code),
    });
    this.#process = process;
    this.#manifest = manifest;
    this.#startedMs = performance.now();
    return { address: process.address };
  }

  /** Starts a plane where none runs; what it served before is tried again when this one does not start. */
  async #replace(manifest: SignedManifest): Promise<{ readonly address: string }> {
    try {
      return await this.#start(manifest);
    } catch (error) {
      if (this.#manifest !== undefined) this.#restart(this.#options.ports());
      throw error;
    }
  }

  async #reload(process: PlaneProcess, manifest: SignedManifest, back: boolean): Promise<{ readonly address: string }> {
    const served = this.#manifest;
    this.#writeManifest(manifest);
    const answer = await process.ask('reload', { manifest: this.#manifestFile, back });
    if (answer['ok'] === true) {
      this.#manifest = manifest;
      return { address: process.address };
    }
    if (served !== undefined) this.#writeManifest(served);
    const { environment, generation } = manifest.manifest;
    throw new GyreError('FAILED_PRECONDITION', `the data plane refused generation ${generation}: ${String(answer['reason'])}`, {
      environment,
    });
  }

  async #stop(): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    await process?.stop();
  }

  #died(process: PlaneProcess, code: number | null): void {
    const { log, environment } = this.#options;
    if (this.#closed || this.#process !== process) return;
    this.#process = undefined;
    log.warn({ environment, code }, 'the data plane died and is started again');
    if (performance.now() - this.#startedMs > longestRetryMs) this.#deaths = 0;
    this.#restart({ rest: portIn(process.address), grpc: process.grpcAddress === undefined ? 0 : portIn(process.grpcAddress) });
  }

  /** @param ports where its callers know it to be */
  #restart(ports: PlanePorts): void {
    const { log, environment, retryMs } = this.#options;
    const waitMs = this.#deaths === 0 ? 0 : Math.min(longestRetryMs, retryMs * 2 ** (this.#deaths - 1));
    this.#deaths += 1;
    this.#retry = setTimeout(() => {
      void this.#inTurn(async () => {
        const manifest = this.#manifest;
        if (this.#closed || this.#process !== undefined || manifest === undefined) return;
        try {
          await this.#start(manifest, ports);
        } catch (error) {
          log.error({ environment, error: messageOf(error) }, 'the data plane could not be started again; it is tried once more');
          this.#restart(this.#options.ports());
        }
      });
    }, waitMs);
    this.#retry.unref();
  }

  #writeManifest(manifest: SignedManifest): void {
    mkdirSync(this.spool, { recursive: true, mode: 0o700 });
    replaceFile(this.#manifestFile, JSON.stringify(manifest), 0o600, this.#options.faults ?? noFaults);
  }

  async #shipOnce(): Promise<void> {
    const segments = await this.#inTurn(async () => {
      if (this.#process === undefined) return listSegments(this.spool);
      const answer = await this.#process.ask('flush');
      if (answer['ok'] !== true)
        throw new GyreError('UNAVAILABLE', `the prediction log could not be finished: ${String(answer['reason'])}`);
      const paths = answer['segments'];
      return Array.isArray(paths) ? paths.map(String) : [];
    });
    if (segments.length > 0) await this.#options.onSegments(segments);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turns.then(work);
    this.#turns = turn.catch(() => undefined);
    return turn;
  }
}

const portIn = (address: string): number => Number(new URL(address).port);

/** Waits while a predecessor that still answers its last requests holds the port. Who else holds it is found out by the bind itself. */
async function portFree(host: string, port: number): Promise<void> {
  for (let waitedMs = 0; waitedMs < portPatienceMs; waitedMs += 100) {
    const free = await new Promise<boolean>((resolve) => {
      const probe = createServer();
      probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'EADDRINUSE'));
      probe.listen(port, host, () => probe.close(() => resolve(true)));
    });
    if (free) return;
    await sleep(100);
  }
}
