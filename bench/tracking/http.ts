/** A small HTTP client that keeps its connections, and what is measured with it. */
import { Agent, request } from 'node:http';
import { performance } from 'node:perf_hooks';

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

/** Calls one server over connections of its own. */
export interface Caller extends Disposable {
  readonly name: string;
  /** @throws Error for any answer but a 200 */
  json<T>(method: string, path: string, body?: unknown): Promise<T>;
  call(method: string, path: string, body?: Buffer): Promise<Answer>;
}

export interface CallerOptions {
  readonly name: string;
  readonly address: string;
  readonly token?: string;
  readonly connections: number;
  /** Sees each answer, with the path without its query. */
  readonly record?: (method: string, path: string, answer: Answer) => void;
}

export function caller({ name, address, token, connections, record }: CallerOptions): Caller {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const call = (method: string, path: string, body?: Buffer): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const outgoing = request(
        address + path,
        {
          method,
          agent,
          headers: {
            ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
            ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(body.byteLength) }),
          },
        },
        (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
          incoming.on('error', reject);
          incoming.on('end', () => {
            const answer = { status: incoming.statusCode ?? 0, body: chunks.length === 1 ? chunks[0] : Buffer.concat(chunks) };
            record?.(method, path.split('?', 1)[0], answer);
            resolve(answer);
          });
        },
      );
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  return {
    name,
    call,
    json: async <T>(method: string, path: string, body?: unknown): Promise<T> => {
      const { status, body: answered } = await call(method, path, body === undefined ? undefined : Buffer.from(JSON.stringify(body)));
      if (status !== 200) throw new Error(`${name}: ${method} ${path} answered ${status}: ${answered.toString().slice(0, 500)}`);
      return JSON.parse(answered.toString()) as T;
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}

/** Milliseconds that each of many calls took, and how long all took together. */
export interface Timed {
  readonly timesMs: readonly number[];
  readonly tookMs: number;
  readonly errors: readonly string[];
}

/** Does something so many times, so many at once. What throws is counted, not hidden. */
export async function timed(times: number, atOnce: number, operation: (turn: number) => Promise<void>): Promise<Timed> {
  const timesMs: number[] = [];
  const errors: string[] = [];
  let next = 0;
  const startedMs = performance.now();
  const worker = async (): Promise<void> => {
    while (next < times) {
      const turn = next++;
      const sentMs = performance.now();
      try {
        await operation(turn);
        timesMs.push(performance.now() - sentMs);
      } catch (error) {
        errors.push(String(error));
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return { timesMs, tookMs: performance.now() - startedMs, errors };
}

/** @param share 0.5 for the median */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted.length === 0 ? Number.NaN : sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}
