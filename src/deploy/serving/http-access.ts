import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import type { ReleaseManifest } from '#contract';
import { requestFault } from './http-exchange.ts';

/** Whether an address to bind to, or of a peer, is this machine's own. */
export function isLoopback(address: string): boolean {
  return address === 'localhost' || address === '::1' || /^(::ffff:)?127\.\d+\.\d+\.\d+$/.test(address);
}

/** Who asks, as far as access goes. */
export interface Asker {
  readonly headers: Pick<IncomingHttpHeaders, 'authorization' | 'host' | 'origin'>;
  readonly remoteAddress: string | undefined;
}

/**
 * Refuses a request that may not infer: without tokens in the manifest only this machine may ask, and no web page of somebody else's
 * (neither by its origin nor by a name of its own that it pointed here); with tokens, a bearer of one.
 * @param hosts names beside localhost and IP addresses that the Host header may say
 * @returns the SHA-256 of the token that it came with; empty where none is asked for
 * @throws GyreError UNAUTHENTICATED (401) or PERMISSION_DENIED (403), by `details.status`
 */
export function requireAccess(asker: Asker, { tokenHashes }: Pick<ReleaseManifest, 'tokenHashes'>, hosts: ReadonlySet<string>): string {
  if (tokenHashes.length > 0) {
    const secret = /^Bearer +([^ ]+) *$/i.exec(asker.headers.authorization ?? '')?.[1];
    const hash = secret === undefined ? undefined : bearerHash(secret, tokenHashes);
    if (hash === undefined) {
      const what = secret === undefined ? 'a token is needed: send "Authorization: Bearer <token>"' : 'this token may not infer here';
      throw requestFault(401, 'UNAUTHENTICATED', what, { 'www-authenticate': 'Bearer' });
    }
    return hash;
  }
  if (!isLoopback(asker.remoteAddress ?? '')) {
    throw requestFault(403, 'PERMISSION_DENIED', 'this endpoint has no tokens, so it answers this machine only; release it with tokens');
  }
  requireOwnHost(asker, hosts);
  return '';
}

/** DNS rebinding: a page on evil.example whose name now points to 127.0.0.1 sends its own name in Host. */
function requireOwnHost({ headers: { host = '', origin } }: Asker, hosts: ReadonlySet<string>): void {
  const name = hostName(host);
  if (!(isIP(name) > 0 || name === 'localhost' || name.endsWith('.localhost') || hosts.has(name))) {
    throw requestFault(
      403,
      'PERMISSION_DENIED',
      `this endpoint does not answer to the name "${name.slice(0, 100)}"; allow it with --allowed-host`,
    );
  }
  if (origin !== undefined && origin.replace(/^https?:\/\//, '') !== host) {
    throw requestFault(403, 'PERMISSION_DENIED', `web pages of ${origin.slice(0, 100)} may not ask this endpoint`);
  }
}

function hostName(host: string): string {
  return (/^\[([^\]]*)\]/.exec(host)?.[1] ?? host.replace(/:\d*$/, '')).toLowerCase();
}

/** @returns the hash of this secret when it is among the known ones */
function bearerHash(secret: string, hashes: readonly string[]): string | undefined {
  const hash = createHash('sha256').update(secret).digest();
  let found = false;
  // All are compared, whichever fits.
  for (const known of hashes) found = timingSafeEqual(Buffer.from(known, 'hex'), hash) || found;
  return found ? hash.toString('hex') : undefined;
}
