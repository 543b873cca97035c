import { Agent, request as httpRequest } from 'node:http';
import { request as httpsRequest, Agent as HttpsAgent } from 'node:https';
import { GyreError, messageOf } from '#core';
import type { InputColumn, NamedRow, PredictAnswer } from '#contract';

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** A data plane as its clients see it: over the network, by its public protocol. */
export interface PlaneClient extends Disposable {
  get(path: string): Promise<Answer>;
  post(path: string, body: string): Promise<Answer>;
  /** Rows with named columns through the convenience route, whatever it answers. */
  ask(rows: readonly NamedRow[]): Promise<Answer>;
  /** The same. @throws GyreError UNAVAILABLE when it does not answer 200 */
  predict(rows: readonly NamedRow[]): Promise<PredictAnswer>;
}

export interface PlaneClientOptions {
  /** Base URL. */
  readonly address: string;
  readonly endpoint: string;
  readonly token?: string;
  /** The certificate (PEM) that the plane shows: it is trusted itself, whatever names it carries. */
  readonly certificate?: string;
  readonly timeoutMs: number;
  readonly maxSockets?: number;
}

/** Opens a client with keep-alive connections of its own. */
export function openPlaneClient(options: PlaneClientOptions): PlaneClient {
  const secure = options.address.startsWith('https:');
  const sockets = { keepAlive: true, maxSockets: options.maxSockets ?? 64 };
  const { certificate } = options;
  const pinned = certificate === undefined ? {} : { ca: certificate, checkServerIdentity: () => undefined };
  const agent = secure ? new HttpsAgent({ ...sockets, ...pinned }) : new Agent(sockets);
  const send = (method: string, path: string, body?: string): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const call = (secure ? httpsRequest : httpRequest)(
        new URL(path, options.address),
        {
          method,
          agent,
          timeout: options.timeoutMs,
          headers: {
            ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
            ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => resolve({ status: response.statusCode ?? 0, body: parse(Buffer.concat(chunks).toString('utf8')) }));
        },
      );
      call.on('timeout', () => call.destroy(new Error(`no answer within ${options.timeoutMs} ms`)));
      call.on('error', (error) =>
        reject(new GyreError('UNAVAILABLE', `${method} ${options.address}${path}: ${messageOf(error)}`, {}, { cause: error })),
      );
      call.end(body);
    });
  const ask: PlaneClient['ask'] = (rows) => send('POST', `/predict/${options.endpoint}`, JSON.stringify({ rows }));
  return {
    ask,
    get: (path) => send('GET', path),
    post: (path, body) => send('POST', path, body),
    predict: async (rows) => {
      const answer = await ask(rows);
      if (answer.status !== 200) {
        throw new GyreError('UNAVAILABLE', `the data plane answered ${answer.status}: ${JSON.stringify(answer.body)}`);
      }
      return answer.body as PredictAnswer;
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** The body of an Open Inference Protocol v2 request for rows with named columns, one tensor [rows, 1] for each input. */
export function inferBody(inputs: readonly InputColumn[], rows: readonly NamedRow[]): string {
  return JSON.stringify({
    inputs: inputs.map((input) => ({
      name: input.name,
      shape: [rows.length, 1],
      datatype: input.datatype,
      data: rows.map((row) => cell(input, row)),
    })),
  });
}

function cell(input: InputColumn, row: NamedRow): number | string | null {
  const value = row[input.name] ?? null;
  if (input.datatype === 'BYTES') return value === null ? '' : String(value);
  if (typeof value === 'boolean') return value ? 1 : 0;
  return typeof value === 'number' ? value : null;
}
