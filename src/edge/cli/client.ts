import { GyreError, errorCodes, hasCode, messageOf } from '#core';
import { patientRequest } from './patient-request.ts';
import type { ErrorCode } from '#core';

export interface ClientOptions {
  /** Base URL without a slash at its end. */
  readonly address: string;
  readonly token?: string;
  readonly signal: AbortSignal;
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** Our HTTP API, as verbs call it: paths below `/api/v1`. Problems come back as the errors that they were. */
export interface Client {
  readonly options: ClientOptions;
  readonly address: string;
  get<T>(path: string, query?: Query): Promise<T>;
  post<T>(path: string, body?: unknown): Promise<T>;
  put<T>(path: string, body: unknown): Promise<T>;
  remove<T>(path: string): Promise<T>;
  /** Puts a file of any size under a path of the server that takes artifacts. */
  upload(path: string, file: Blob): Promise<void>;
  /** Takes away what was put there. */
  discard(path: string): Promise<void>;
  /** The bytes of a file. */
  bytes(path: string): Promise<Uint8Array>;
  /** As `bytes`, for a file of any size. */
  download(path: string): Promise<AsyncIterable<Uint8Array>>;
  /** Server-sent events, parsed, until the signal aborts or the server ends them. */
  stream(
    path: string,
    query?: Query,
    signal?: AbortSignal,
  ): AsyncIterable<{ readonly id?: string; readonly event: string; readonly data: unknown }>;
  /**
   * Posts JSON to a data plane, whose address the platform told. The caller's token goes along only when the plane asks for one, and where
   * nobody else can read it: by TLS, or within this machine.
   */
  postTo<T>(url: string, body: unknown): Promise<T>;
  /** As `postTo`, for what is only read. */
  getFrom<T>(url: string): Promise<T>;
}

export function openClient(options: ClientOptions): Client {
  const { address, token } = options;
  const request = async (url: string, init: RequestInit, authorized = true): Promise<Response> => {
    const headers = new Headers(init.headers);
    if (authorized && token !== undefined) headers.set('authorization', `Bearer ${token}`);
    let response: Response;
    try {
      const { method = 'GET', body } = init;
      const signal = init.signal ?? options.signal;
      response =
        method === 'POST' && typeof body === 'string'
          ? await patientRequest(url, { method, headers, body, signal })
          : await fetchAgain(url, { ...init, headers, signal });
    } catch (error) {
      if (options.signal.aborted || init.signal?.aborted === true) throw new GyreError('CANCELLED', 'stopped', {}, { cause: error });
      throw new GyreError('UNAVAILABLE', `nothing answers at ${new URL(url).origin} (${causeOf(error)})`, { url }, { cause: error });
    }
    if (!response.ok) throw await problemOf(response, url);
    return response;
  };
  const at = (path: string, query: Query = {}): string => {
    const url = new URL(`${address}/api/v1/${path}`);
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, String(value));
    return url.href;
  };
  const json = async <T>(url: string, method: string, body: unknown, authorized = true): Promise<T> => {
    const content = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    const response = await request(url, { method, ...content }, authorized);
    const text = await response.text();
    try {
      // The server's answers are described by the contract; a server of another version may differ, and then the verb shows what it can.
      return (text === '' ? undefined : JSON.parse(text)) as T;
    } catch (error) {
      throw new GyreError('UNAVAILABLE', `${url} does not answer JSON: is it a Gyre server?`, { url }, { cause: error });
    }
  };
  return {
    options,
    address,
    get: (path, query) => json(at(path, query), 'GET', undefined),
    post: (path, body = {}) => json(at(path), 'POST', body),
    put: (path, body) => json(at(path), 'PUT', body),
    remove: (path) => json(at(path), 'DELETE', undefined),
    upload: async (path, file) => void (await request(`${address}/${path}`, { method: 'PUT', body: file })),
    discard: async (path) => void (await request(`${address}/${path}`, { method: 'DELETE' })),
    bytes: async (path) => new Uint8Array(await (await request(at(path), {})).arrayBuffer()),
    download: async (path) => (await request(at(path), {})).body ?? new Blob([]).stream(),
    getFrom: async <T>(url: string): Promise<T> => {
      const response = await request(url, {}, token !== undefined && isPrivate(url));
      return (await response.json()) as T;
    },
    postTo: async <T>(url: string, body: unknown): Promise<T> => {
      try {
        return await json<T>(url, 'POST', body, false);
      } catch (error) {
        if (!hasCode(error, 'UNAUTHENTICATED') || token === undefined || !isPrivate(url)) throw error;
        return json(url, 'POST', body);
      }
    },
    stream: async function* (path, query, signal) {
      const signals = signal === undefined ? options.signal : AbortSignal.any([options.signal, signal]);
      const response = await request(at(path, query), { headers: { accept: 'text/event-stream' }, signal: signals });
      if (response.body === null) return;
      yield* serverSentEvents(response.body);
    },
  };
}

/**
 * A server closes connections that are idle, also in the very moment in which the next request comes; a busy one does so late, and several at once. What
 * only reads is asked once more then, by a connection of its own.
 */
async function fetchAgain(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    const isReading = init.method === undefined || init.method === 'GET';
    if (!isReading || init.signal?.aborted === true || !['ECONNRESET', 'UND_ERR_SOCKET', 'EPIPE'].includes(causeOf(error))) throw error;
    return fetch(url, init);
  }
}

function isPrivate(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
}

async function problemOf(response: Response, url: string): Promise<GyreError> {
  const text = await response.text().catch(() => '');
  let problem: unknown;
  try {
    problem = JSON.parse(text);
  } catch {
    problem = undefined;
  }
  if (typeof problem === 'object' && problem !== null && 'detail' in problem && typeof problem.detail === 'string') {
    const code = 'code' in problem && isErrorCode(problem.code) ? problem.code : codeOfStatus(response.status);
    const details = 'details' in problem && typeof problem.details === 'object' && problem.details !== null ? { ...problem.details } : {};
    return new GyreError(code, problem.detail, details);
  }
  // The Open Inference Protocol's way to say why.
  if (typeof problem === 'object' && problem !== null && 'error' in problem && typeof problem.error === 'string')
    return new GyreError(codeOfStatus(response.status), problem.error, { url });
  return new GyreError(codeOfStatus(response.status), `${url} answers ${response.status} ${response.statusText}`.trim(), { url });
}

function isErrorCode(code: unknown): code is ErrorCode {
  return (errorCodes as readonly unknown[]).includes(code);
}

function codeOfStatus(status: number): ErrorCode {
  if (status === 401) return 'UNAUTHENTICATED';
  if (status === 403) return 'PERMISSION_DENIED';
  if (status === 404) return 'NOT_FOUND';
  if (status === 409 || status === 412) return 'FAILED_PRECONDITION';
  if (status === 504) return 'DEADLINE_EXCEEDED';
  return status >= 500 ? 'UNAVAILABLE' : 'INVALID_ARGUMENT';
}

function causeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code;
  return messageOf(error);
}

/** Reads a stream of server-sent events (WHATWG HTML, section 9.2); data are JSON where they can be read as such. */
async function* serverSentEvents(
  body: ReadableStream<Uint8Array>,
): AsyncIterable<{ readonly id?: string; readonly event: string; readonly data: unknown }> {
  let pending = '';
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    pending += decoder.decode(chunk, { stream: true }).replaceAll('\r\n', '\n');
    const blocks = pending.split('\n\n');
    pending = blocks.pop() ?? '';
    for (const block of blocks) {
      const fields = block.split('\n').map((line) => /^(\w+): ?(.*)$/.exec(line));
      const valueOf = (name: string): string[] => fields.flatMap((field) => (field?.[1] === name ? [field[2]] : []));
      const data = valueOf('data').join('\n');
      if (data === '') continue;
      const [id] = valueOf('id');
      yield { event: valueOf('event')[0] ?? 'message', data: parseOr(data), ...(id === undefined ? {} : { id }) };
    }
  }
}

function parseOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
