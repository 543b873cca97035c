import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import type { Access, Principal } from '#access';
import { GyreError } from '#core';

/*
 * Who is calling, and from where: everything that a request says about itself before its content counts.
 */

export const sessionCookie = 'gyre_session';

export interface CallerRules {
  readonly access: Access;
  /** Callers on this machine that bring nothing may be the identity `local`. */
  readonly allowLocal: boolean;
  /** Names, beside IP addresses and localhost, that requests may be addressed to; in lower case. */
  readonly hostNames: ReadonlySet<string>;
}

/** Whether an address to bind to, or of a peer, is this machine's own. */
export function isLoopback(address: string): boolean {
  return address === 'localhost' || address === '::1' || /^(::ffff:)?127\.\d+\.\d+\.\d+$/.test(address);
}

/**
 * Refuses requests that a web page of somebody else sends: by a name of its own that it pointed to this machine (DNS rebinding; an
 * IP address in Host cannot be such a name), or by its origin.
 * @throws GyreError PERMISSION_DENIED
 */
export function requireOwnHost(request: FastifyRequest, { hostNames }: Pick<CallerRules, 'hostNames'>): void {
  const { host = '', origin } = request.headers;
  const name = hostName(host);
  if (!(isIP(name) > 0 || name === 'localhost' || name.endsWith('.localhost') || hostNames.has(name))) {
    throw new GyreError('PERMISSION_DENIED', `this server does not answer to the name "${name.slice(0, 100)}"`, {
      host: name.slice(0, 100),
    });
  }
  if (origin !== undefined && !isSameOrigin(origin, host)) {
    throw new GyreError('PERMISSION_DENIED', `pages of ${origin.slice(0, 100)} may not ask this server`, { origin: origin.slice(0, 100) });
  }
}

function hostName(host: string): string {
  return (/^\[([^\]]*)\]/.exec(host)?.[1] ?? host.replace(/:\d*$/, '')).toLowerCase();
}

function isSameOrigin(origin: string, host: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
}

/**
 * Recognises the caller: a bearer token (of what is read also as the password of Basic), else a session's cookie, else on this machine `local` where that is allowed.
 * @throws GyreError UNAUTHENTICATED; PERMISSION_DENIED when a cookie comes with a change that no page of ours sent
 */
export async function principalOf(request: FastifyRequest, rules: CallerRules): Promise<Principal> {
  const { authorization } = request.headers;
  if (authorization !== undefined) {
    const secret = /^Bearer +([^ ]+) *$/i.exec(authorization)?.[1] ?? passwordOf(request);
    if (secret === undefined)
      throw new GyreError('UNAUTHENTICATED', 'the Authorization header has another form: "Bearer <token>" is needed');
    return rules.access.authenticate(secret);
  }
  const session = sessionOf(request);
  if (session !== undefined) {
    requireOwnPage(request);
    return rules.access.authenticate(session);
  }
  if (rules.allowLocal && isDirectlyLocal(request)) return rules.access.local();
  throw new GyreError(
    'UNAUTHENTICATED',
    'nobody was recognised: send "Authorization: Bearer <token>", or log in on the web page with a link from "gyre open"',
  );
}

/**
 * The password of Basic authentication, where something is read: a token in an address (`http://gyre:TOKEN@host/…`) is what clients can give
 * that set no headers, such as R's. A browser that remembers one may not change anything by it.
 */
function passwordOf({ method, headers: { authorization = '' } }: FastifyRequest): string | undefined {
  if (method !== 'GET' && method !== 'HEAD') return undefined;
  const [, encoded] = /^Basic +([A-Za-z0-9+/=]+) *$/i.exec(authorization) ?? [];
  if (encoded === undefined) return undefined;
  const pair = Buffer.from(encoded, 'base64').toString('utf8');
  const secret = pair.slice(pair.indexOf(':') + 1);
  return secret === '' ? undefined : secret;
}

/** The secret in the session's cookie. */
export function sessionOf(request: Pick<FastifyRequest, 'headers'>): string | undefined {
  const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim());
  const found = pairs.find((pair) => pair.startsWith(`${sessionCookie}=`))?.slice(sessionCookie.length + 1);
  return found === '' ? undefined : found;
}

/** The Set-Cookie that begins a session, or ends it. @param maxAgeMs how long the browser keeps it; 0 removes it */
export function cookieFor(secret: string, options: { readonly maxAgeMs: number; readonly secure: boolean }): string {
  const secure = options.secure ? '; Secure' : '';
  return `${sessionCookie}=${secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${Math.floor(options.maxAgeMs / 1000)}${secure}`;
}

/** A browser sends the cookie by itself, so a change by cookie needs the browser's word that a page of ours asks (its origin was compared before). */
function requireOwnPage({ method, headers }: FastifyRequest): void {
  if (method === 'GET' || method === 'HEAD') return;
  if (headers.origin !== undefined || headers['sec-fetch-site'] === 'same-origin') return;
  throw new GyreError(
    'PERMISSION_DENIED',
    'a change with a session’s cookie needs the Origin header that browsers send; programs use a token',
  );
}

/** From this machine, and not for somebody else: a proxy in front says so in a header. */
function isDirectlyLocal({ socket, headers }: FastifyRequest): boolean {
  const isForwarded = headers.forwarded !== undefined || headers['x-forwarded-for'] !== undefined || headers.via !== undefined;
  return !isForwarded && isLoopback(socket.remoteAddress ?? '');
}
