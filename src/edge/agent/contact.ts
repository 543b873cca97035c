import type { Enrolment } from '#contract';
import { errorCodes, GyreError, memberOf, messageOf, parsedJson } from '#core';
import type { ErrorCode } from '#core';
import type { Contact } from './port.ts';

const usualTimeoutMs = 30_000;
/** Bytes that stop coming for so long come no more: the way may have gone without a word. */
const silenceMs = 30_000;

/**
 * The platform's routes for agents. Redirects are not followed: the token is for this server.
 * @param silence how long nothing may come of a file, in milliseconds, from the request on
 */
export function openContact(
  { server, token }: Pick<Enrolment, 'server' | 'token'>,
  signal: AbortSignal,
  silence: number = silenceMs,
): Contact {
  const base = `${server.replace(/\/+$/, '')}/api/v1/agent/`;
  const ask = async (path: string, init: RequestInit, ended: AbortSignal): Promise<Response> => {
    try {
      const response = await fetch(base + path, {
        ...init,
        headers: { authorization: `Bearer ${token}`, ...(init.body === undefined ? {} : { 'content-type': 'application/json' }) },
        redirect: 'error',
        signal: AbortSignal.any([signal, ended]),
      });
      if (response.ok) return response;
      throw await problemOf(response);
    } catch (error) {
      if (error instanceof GyreError) throw error;
      throw away(server, error);
    }
  };
  const json = async (response: Response): Promise<unknown> => {
    const text = await response.text().catch((error: unknown) => {
      throw away(server, error);
    });
    const value = parsedJson(text);
    if (value === undefined) throw new GyreError('UNAVAILABLE', `${server} does not answer JSON: is it a Gyre platform?`);
    return value;
  };
  return {
    get: async (path, { timeoutMs }) => json(await ask(path, {}, AbortSignal.timeout(timeoutMs))),
    post: async (path, body) => json(await ask(path, { method: 'POST', body: JSON.stringify(body) }, AbortSignal.timeout(usualTimeoutMs))),
    bytes: async (path) => {
      const silent = new AbortController();
      const timer = setTimeout(() => silent.abort(), silence);
      try {
        const response = await ask(path, {}, silent.signal);
        return watched(response.body ?? new Blob([]).stream(), timer, server);
      } catch (error) {
        clearTimeout(timer);
        // What goes wrong over there says nothing of this machine.
        throw new GyreError('UNAVAILABLE', messageOf(error), {}, { cause: error });
      }
    },
  };
}

async function* watched(body: ReadableStream<Uint8Array>, timer: NodeJS.Timeout, server: string): AsyncIterable<Uint8Array> {
  try {
    for await (const chunk of body) {
      timer.refresh();
      yield chunk;
    }
  } catch (error) {
    throw away(server, error);
  } finally {
    clearTimeout(timer);
  }
}

function away(server: string, error: unknown): GyreError {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : messageOf(error);
  return new GyreError('UNAVAILABLE', `nothing answers at ${server} (${code})`, {}, { cause: error });
}

async function problemOf(response: Response): Promise<GyreError> {
  const problem = parsedJson(await response.text().catch(() => ''));
  const code = memberOf(problem, 'code');
  const detail = memberOf(problem, 'detail');
  const words = typeof detail === 'string' ? detail : `the platform answers ${response.status}`;
  return new GyreError(isCode(code) ? code : 'UNAVAILABLE', words);
}

function isCode(code: unknown): code is ErrorCode {
  return (errorCodes as readonly unknown[]).includes(code);
}
