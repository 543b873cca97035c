import { request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { GyreError } from '#core';
import { unreachable } from '../s3/failures.ts';
import type { AllowedHosts } from './allowed-hosts.ts';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Read it to its end or destroy it. */
  readonly body: IncomingMessage;
}

export interface HttpQuestion {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent to the address's own origin only, never along with a redirect to another. */
  readonly credentials: Readonly<Record<string, string>>;
  readonly hosts: AllowedHosts;
  /** How long the other side may be silent. */
  readonly idleMs: number;
  readonly signal: AbortSignal;
}

const mostRedirects = 5;
const redirects = new Set([301, 302, 303, 307, 308]);

/**
 * Asks by GET and follows redirects, each of them to a host that is allowed.
 * @throws GyreError PERMISSION_DENIED for hosts that are not, FAILED_PRECONDITION for redirects that lead nowhere; what the socket threw
 */
export async function ask(question: HttpQuestion): Promise<HttpAnswer> {
  let { url } = question;
  for (let redirected = 0; ; redirected++) {
    const answer = await askOnce(question, url);
    const { location } = answer.headers;
    if (!redirects.has(answer.status) || location === undefined) return answer;
    answer.body.destroy();
    const next = URL.parse(location, url);
    const from = publicAddress(question.url);
    if (next === null || (next.protocol !== 'https:' && next.protocol !== 'http:')) {
      throw new GyreError('FAILED_PRECONDITION', `${from} redirects to what is no http or https address`);
    }
    if (url.protocol === 'https:' && next.protocol === 'http:') {
      throw new GyreError(
        'FAILED_PRECONDITION',
        `${from} redirects from https to plain http (${publicAddress(next)}), which is not followed`,
      );
    }
    if (redirected === mostRedirects) throw new GyreError('FAILED_PRECONDITION', `${from} redirects more than ${mostRedirects} times`);
    url = next;
  }
}

async function askOnce({ url: first, headers, credentials, hosts, idleMs, signal }: HttpQuestion, url: URL): Promise<HttpAnswer> {
  const isSecure = url.protocol === 'https:';
  const port = url.port === '' ? (isSecure ? '443' : '80') : url.port;
  hosts.require(url.hostname, port);
  const lookup = hosts.lookupFor(url.hostname, port);
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  const request = (isSecure ? httpsRequest : httpRequest)({
    method: 'GET',
    hostname: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port,
    path: `${url.pathname}${url.search}`,
    // Bytes as they are stored: lengths and ranges would mean something else in a compressed answer.
    headers: { 'accept-encoding': 'identity', 'user-agent': 'gyre', ...headers, ...(url.origin === first.origin ? credentials : {}) },
    agent: false,
    timeout: idleMs,
    signal,
    ...(lookup === undefined ? {} : { lookup }),
  });
  request.once('response', (answer) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: answer }));
  request.once('error', reject);
  request.once('timeout', () => request.destroy(Object.assign(new Error(`nothing came for ${idleMs} ms`), { code: 'ETIMEDOUT' })));
  request.end();
  return promise;
}

/** Names of parameters whose values are signatures, tokens or keys: presigned addresses carry them. */
const secretParameter = /sig|token|key|secret|passw|credential|auth|code|session/i;

/** An address as it may be shown and recorded: without user, password and fragment, and without the values of secret parameters. */
export function publicAddress(url: URL): string {
  const shown = new URL(url);
  shown.username = '';
  shown.password = '';
  shown.hash = '';
  for (const name of new Set(shown.searchParams.keys())) if (secretParameter.test(name)) shown.searchParams.set(name, '***');
  return shown.href;
}

/** What a broken connection means; errors of ours stay as they are. */
export function brokenHttp(error: unknown, url: URL): GyreError {
  return unreachable(error, { what: publicAddress(url), bucket: '', region: '', signed: false }, url.host);
}
