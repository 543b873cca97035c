import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { GyreError, messageOf } from '#core';
import type { LoadMeasured, LoadPlan } from './open-loop.ts';
import type { LoadJob, LoadReply, LoadTarget } from './worker-messages.ts';

export interface LoadGeneratorOptions {
  /** Base URL of the data plane. */
  readonly address: string;
  readonly token?: string;
  /** The certificate (PEM) that it shows. */
  readonly certificate?: string;
  /** Where the bodies go. */
  readonly path: string;
  /** JSON, sent in turn. */
  readonly bodies: readonly string[];
  /** A request without an answer for so long has failed. */
  readonly timeoutMs: number;
  /** Default 512. Requests that find none free wait, and are late by that. */
  readonly maxConnections?: number;
  /** Ends it: what was offered then fails. */
  readonly signal?: AbortSignal;
}

/** Offers loads to a data plane, one after the other, out of a thread of its own over connections that it keeps. */
export interface LoadGenerator extends AsyncDisposable {
  /**
   * @param load.seed of Poisson arrivals; default 1
   * @throws GyreError UNAVAILABLE when the thread ended
   */
  offer(load: Pick<LoadPlan, 'ratePerSecond' | 'durationMs' | 'arrivals'> & { readonly seed?: number }): Promise<LoadMeasured>;
}

const usualConnections = 512;

/** @throws GyreError UNAVAILABLE when the thread does not start */
export async function openLoadGenerator(options: LoadGeneratorOptions): Promise<LoadGenerator> {
  const { host } = new URL(options.address);
  const requests = options.bodies.map((body) => {
    const fields = [
      `POST ${options.path} HTTP/1.1`,
      `host: ${host}`,
      'content-type: application/json',
      `content-length: ${Buffer.byteLength(body)}`,
      ...(options.token === undefined ? [] : [`authorization: Bearer ${options.token}`]),
    ];
    return Buffer.from(`${fields.join('\r\n')}\r\n\r\n${body}`);
  });
  const target: LoadTarget = {
    requests,
    address: options.address,
    timeoutMs: options.timeoutMs,
    most: options.maxConnections ?? usualConnections,
    ...(options.certificate === undefined ? {} : { certificate: options.certificate }),
  };
  const worker = new Worker(new URL('./load-worker.ts', import.meta.url), { workerData: target, execArgv: [], name: 'gyre-load' });
  let ended: GyreError | undefined;
  const waiting = new Map<number, PromiseWithResolvers<LoadMeasured>>();
  const end = (reason: string): void => {
    ended ??= new GyreError('UNAVAILABLE', `the load generator ended: ${reason}`);
    for (const { reject } of waiting.values()) reject(ended);
    waiting.clear();
  };
  worker.on('error', (error) => end(messageOf(error)));
  worker.on('exit', (code) => end(`exit code ${code}`));
  worker.on('message', (reply: LoadReply | 'ready') => {
    if (reply === 'ready') return;
    waiting.get(reply.id)?.resolve(reply.measured);
    waiting.delete(reply.id);
  });
  try {
    await once(worker, 'message');
  } catch (cause) {
    throw new GyreError('UNAVAILABLE', `the load generator did not start: ${messageOf(cause)}`, {}, { cause });
  }
  let count = 0;
  const stop = (): void => {
    end('it was stopped');
    void worker.terminate();
  };
  if (options.signal?.aborted === true) stop();
  options.signal?.addEventListener('abort', stop, { once: true });
  return {
    offer: ({ seed = 1, ...load }) => {
      if (ended !== undefined) return Promise.reject(ended);
      const id = ++count;
      const asked = Promise.withResolvers<LoadMeasured>();
      waiting.set(id, asked);
      worker.postMessage({ id, seed, ...load } satisfies LoadJob);
      return asked.promise;
    },
    [Symbol.asyncDispose]: async () => {
      options.signal?.removeEventListener('abort', stop);
      if (ended !== undefined) return;
      const exited = once(worker, 'exit');
      if (waiting.size > 0) void worker.terminate();
      else worker.postMessage('close');
      await exited;
    },
  };
}
