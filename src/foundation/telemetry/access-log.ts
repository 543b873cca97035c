import { mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { destination, pino } from 'pino';
import type { Clock } from '#core';
import type { Metrics } from './metrics.ts';
import type { Logger } from './logger.ts';

/** One answered request, without what it said. */
export interface AccessEntry {
  readonly route: string;
  /** HTTP's, or gRPC's behind `grpc`. */
  readonly status: number;
  readonly model?: string | undefined;
  readonly version?: string | undefined;
  readonly rows?: number | undefined;
  /** Of the body of the answer. */
  readonly bytes?: number | undefined;
  readonly ms: number;
  readonly requestId?: string | undefined;
  /** The first row's. */
  readonly predictionId?: string | undefined;
  /** The first eight hex digits of the SHA-256 of the token that it came with. */
  readonly token?: string | undefined;
  readonly traceId?: string | undefined;
}

export interface AccessLogOptions {
  /** A file, appended to; `-`: standard output. */
  readonly to: string;
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** Where it is said that lines cannot be written. */
  readonly log: Logger;
}

const flushMs = 1000;
/** Lines go out whole, and no write is larger than what a pipe takes at once (PIPE_BUF): several threads may write to one. */
const writeBytes = 4096;
const bufferBytes = 2048;
const maxBufferedBytes = 8 * 1024 * 1024;

/** Opened at once, so that what cannot be written is known at the start. */
function opened(path: string): number {
  mkdirSync(dirname(path), { recursive: true });
  return openSync(path, 'a', 0o600);
}

/** Structured lines of requests, one JSON object each, written a second late at most, and never waited for. */
export class AccessLog implements AsyncDisposable {
  readonly #lines: ReturnType<typeof destination>;
  readonly #log: ReturnType<typeof pino>;
  readonly #timer: NodeJS.Timeout;

  /** @throws errors of the file system when the file cannot be opened */
  constructor({ to, clock, metrics, log }: AccessLogOptions) {
    const dropped = metrics.counter({ name: 'gyre_access_log_dropped_total', help: 'lines of the access log that could not be written' });
    let isTold = false;
    this.#lines = destination({
      dest: to === '-' ? 1 : opened(to),
      sync: false,
      minLength: bufferBytes,
      maxWrite: writeBytes,
      maxLength: maxBufferedBytes,
    });
    this.#lines.on('drop', () => dropped.inc());
    this.#lines.on('error', (error: Error) => {
      if (!isTold) log.error({ err: error }, 'the access log cannot be written');
      isTold = true;
    });
    this.#log = pino(
      { base: null, timestamp: () => `,"time":"${new Date(clock.now()).toISOString()}"`, formatters: { level: (level) => ({ level }) } },
      this.#lines,
    );
    this.#timer = setInterval(() => this.#lines.flush(), flushMs).unref();
  }

  write(entry: AccessEntry): void {
    this.#log.info(entry);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await new Promise<void>((resolve) => this.#lines.flush(() => resolve()));
    this.#lines.end();
  }
}
