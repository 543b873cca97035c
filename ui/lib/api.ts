import type { Problem } from '#contract';

/** What went wrong with a request, in the server's words. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly requestId: string | undefined;

  constructor(
    message: string,
    facts: { readonly status: number; readonly code: string; readonly requestId?: string | undefined; readonly cause?: unknown },
  ) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = 'ApiError';
    this.status = facts.status;
    this.code = facts.code;
    this.requestId = facts.requestId;
  }
}

const base = '/api/v1';

/** The address of a route below the API. */
export function apiUrl(route: string): string {
  return `${base}/${route}`;
}

/**
 * Asks the API. `T` is what the contract says that the route answers: the server validates its answers by the same schemas.
 * @throws ApiError with the problem's code, detail and request id
 */
export async function get<T>(route: string, signal?: AbortSignal): Promise<T> {
  return request<T>('GET', route, undefined, signal);
}

/** Changes something. @throws ApiError */
export async function send<T>(method: 'POST' | 'PUT' | 'DELETE', route: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  return request<T>(method, route, body, signal);
}

async function request<T>(method: string, route: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(apiUrl(route), {
      method,
      headers: { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
    text = await response.text();
  } catch (cause) {
    if (signal?.aborted === true) throw new ApiError('stopped', { status: 0, code: 'CANCELLED', cause });
    throw new ApiError('The server does not answer. What was shown before is kept; it is tried again when the connection is back.', {
      status: 0,
      code: 'UNAVAILABLE',
      cause,
    });
  }
  if (!response.ok) throw problemFrom(response, text);
  if (text === '') return undefined as T;
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new ApiError(`${route} did not answer JSON`, { status: response.status, code: 'INTERNAL', cause });
  }
}

/** A problem of an answer whose text was read. */
export function problemFrom(response: Response, text: string): ApiError {
  const requestId = response.headers.get('x-request-id') ?? undefined;
  try {
    const problem = JSON.parse(text) as Partial<Problem>;
    return new ApiError(problem.detail ?? problem.title ?? response.statusText, {
      status: response.status,
      code: problem.code ?? 'UNKNOWN',
      requestId: problem.instance ?? requestId,
    });
  } catch {
    return new ApiError(`The server answered ${response.status} ${response.statusText}`, {
      status: response.status,
      code: 'UNKNOWN',
      requestId,
    });
  }
}
