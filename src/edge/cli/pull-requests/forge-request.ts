import { setTimeout as sleep } from 'node:timers/promises';
import { GyreError, messageOf } from '#core';

export interface ForgeRequest {
  readonly url: string;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** It goes nowhere else, and into no message. */
  readonly token: string;
  readonly signal: AbortSignal;
}

const timeoutMs = 30_000;
const mostTries = 3;
const longestWaitMs = 20_000;
const mostAnswerBytes = 8 * 1024 * 1024;

/**
 * Asks the API of a service that hosts code. The token goes by TLS, or within this machine, and to no other address: redirections are not followed.
 * Tried again after 429 and, where asking twice does no harm, after what may pass; three times in all.
 * @throws GyreError UNAVAILABLE, PERMISSION_DENIED, NOT_FOUND, INVALID_ARGUMENT
 */
export async function askForge(request: ForgeRequest): Promise<unknown> {
  requirePrivate(request.url);
  for (let attempt = 1; ; attempt++) {
    const answer = await once(request);
    const mayAgain = attempt < mostTries && (answer.status === 429 || (request.method !== 'POST' && answer.status >= 500));
    if (!mayAgain) return settled(request, answer);
    await sleep(Math.min(longestWaitMs, answer.waitMs ?? 1000 * 2 ** (attempt - 1)), undefined, { signal: request.signal });
  }
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly waitMs?: number;
}

async function once({ url, method, headers, body, token, signal }: ForgeRequest): Promise<Answer> {
  try {
    const response = await fetch(url, {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
    const text = await limitedText(response);
    return { status: response.status, text, ...(Number.isFinite(seconds) ? { waitMs: seconds * 1000 } : {}) };
  } catch (error) {
    if (signal.aborted) throw new GyreError('CANCELLED', 'stopped', {}, { cause: error });
    if (method !== 'GET') throw new GyreError('UNAVAILABLE', `${new URL(url).host} does not answer: ${hidden(causeOf(error), token)}`, {}, { cause: error }); // prettier-ignore
    return { status: 599, text: hidden(causeOf(error), token) };
  }
}

function settled({ url, method, token }: ForgeRequest, { status, text }: Answer): unknown {
  const { host, pathname } = new URL(url);
  if (status >= 200 && status < 300) {
    try {
      return text === '' ? undefined : (JSON.parse(text) as unknown);
    } catch (error) {
      throw new GyreError('UNAVAILABLE', `${host} does not answer JSON`, {}, { cause: error });
    }
  }
  const said = hidden(text.replaceAll(/\s+/g, ' ').slice(0, 200), token);
  const what = `${method} ${pathname} at ${host}: ${status === 599 ? 'no answer' : status}${said === '' ? '' : ` ${said}`}`;
  if (status === 401 || status === 403) throw new GyreError('PERMISSION_DENIED', `${what}; the token may not comment there`);
  if (status === 404) throw new GyreError('NOT_FOUND', `${what}; it is not there, or the token does not see it`);
  throw new GyreError(status >= 500 || status === 429 ? 'UNAVAILABLE' : 'INVALID_ARGUMENT', what);
}

function requirePrivate(url: string): void {
  const { protocol, hostname, host } = new URL(url);
  if (protocol === 'https:' || hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')) return;
  throw new GyreError('INVALID_ARGUMENT', `${host} is asked without TLS: a token is sent by https alone`);
}

async function limitedText(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > mostAnswerBytes) throw new Error(`the answer is larger than ${mostAnswerBytes} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

const hidden = (text: string, token: string): string => (token === '' ? text : text.replaceAll(token, '***'));

function causeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error ? messageOf(cause) : messageOf(error);
}
