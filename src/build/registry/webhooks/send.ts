import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { AllowedHosts } from '#blobs';
import { GyreError } from '#core';

export interface Message {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  /** Its beginning. */
  readonly body: string;
}

/** How long the other side may take. */
const timeoutMs = 30_000;
const keptBytes = 16 * 1024;

/**
 * Posts a message to an address that is allowed. The address that is judged is the one that is connected to, and redirects are not followed.
 * @throws GyreError PERMISSION_DENIED for hosts that are not allowed; what the socket threw
 */
export async function post({ url, headers, body }: Message, hosts: AllowedHosts, signal: AbortSignal): Promise<Answer> {
  const target = new URL(url);
  const isSecure = target.protocol === 'https:';
  const port = target.port === '' ? (isSecure ? '443' : '80') : target.port;
  hosts.require(target.hostname, port);
  const lookup = hosts.lookupFor(target.hostname, port);
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const request = (isSecure ? httpsRequest : httpRequest)({
    method: 'POST',
    hostname: target.hostname.replace(/^\[(.*)\]$/, '$1'),
    port,
    path: `${target.pathname}${target.search}`,
    headers: {
      'user-agent': 'gyre',
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      ...(target.username === '' ? {} : { authorization: basic(target) }),
      ...headers,
    },
    agent: false,
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    ...(lookup === undefined ? {} : { lookup }),
  });
  request.once('response', resolve);
  request.once('error', reject);
  request.end(body);
  const answer = await promise;
  try {
    return { status: answer.statusCode ?? 0, body: await beginningOf(answer) };
  } finally {
    answer.destroy();
  }
}

function basic({ username, password }: URL): string {
  return `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}`;
}

async function beginningOf(answer: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer) {
    if (!(chunk instanceof Uint8Array)) throw new GyreError('INTERNAL', 'an answer gave something else than bytes');
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size >= keptBytes) break;
  }
  return Buffer.concat(chunks).subarray(0, keptBytes).toString('utf8');
}
