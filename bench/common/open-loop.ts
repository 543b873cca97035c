/**
 * Open-loop load: requests are sent when they are due, whether those before them were answered or not, and how long one took is counted from
 * when it was due. Nothing is tried again; a reset, a refused connection and every answer but 200 is a failure.
 */
import { Agent, request as httpRequest } from 'node:http';

export interface OpenLoad {
  readonly port: number;
  readonly path: string;
  /** Several are sent in turn. */
  readonly body: string | Buffer | readonly Buffer[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly perSecond: number;
  readonly requests: number;
  /** What is wrong with an answer of 200 to the body at a place; undefined: nothing. */
  readonly check?: (body: string, at: number) => string | undefined;
  /** Told of each failure. */
  readonly onFailure?: (why: string) => void;
}

export interface OpenLoadResult {
  readonly answered: number;
  /** Failures by what they were. */
  readonly failures: ReadonlyMap<string, number>;
  /** From when each request was due, sorted. */
  readonly timesMs: Float64Array;
  readonly tookMs: number;
}

export async function openLoad(load: OpenLoad): Promise<OpenLoadResult> {
  const { port, path, body, perSecond, requests, check } = load;
  const agent = new Agent({ keepAlive: true, maxSockets: 512, scheduling: 'lifo' });
  const bodies = typeof body === 'string' || Buffer.isBuffer(body) ? [body] : body;
  const headers = { 'content-type': 'application/json', ...load.headers };
  const failures = new Map<string, number>();
  const timesMs: number[] = [];
  const done = Promise.withResolvers<void>();
  let settled = 0;
  const settle = (dueMs: number, failure: string | undefined): void => {
    if (failure === undefined) timesMs.push(performance.now() - dueMs);
    else {
      failures.set(failure, (failures.get(failure) ?? 0) + 1);
      load.onFailure?.(failure);
    }
    settled += 1;
    if (settled === requests) done.resolve();
  };
  const send = (dueMs: number, at: number): void => {
    const sized = { ...headers, 'content-length': Buffer.byteLength(bodies[at]) };
    const call = httpRequest({ host: '127.0.0.1', port, path, method: 'POST', agent, headers: sized }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', (error) => settle(dueMs, error.message));
      response.once('end', () => {
        const text = Buffer.concat(chunks).toString();
        settle(dueMs, response.statusCode === 200 ? check?.(text, at) : `${response.statusCode}: ${text.slice(0, 200)}`);
      });
    });
    call.once('error', (error) => settle(dueMs, error.message));
    call.end(bodies[at]);
  };
  const startMs = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    const due = Math.min(requests, Math.floor(((performance.now() - startMs) / 1000) * perSecond) + 1);
    for (; sent < due; sent++) send(startMs + (sent / perSecond) * 1000, sent % bodies.length);
    if (sent === requests) clearInterval(timer);
  }, 1);
  await done.promise;
  agent.destroy();
  return { answered: timesMs.length, failures, timesMs: Float64Array.from(timesMs).sort(), tookMs: performance.now() - startMs };
}

export function quantileOf(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(sorted.length * share) - 1))] ?? Number.NaN;
}
