import { GyreError } from '#core';
import { isLoopback } from './reference.ts';

/** How a registry answers whoever has not said who asks (RFC 9110, 11.6.1). */
interface Challenge {
  /** In small letters, such as `bearer`. */
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** @param header `WWW-Authenticate` */
export function challengeOf(header: string): Challenge {
  const parameters = [...header.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = '', value = '']) => [key.toLowerCase(), value] as const);
  return { scheme: /^\w*/.exec(header)?.[0].toLowerCase() ?? '', parameters: Object.fromEntries(parameters) };
}

/**
 * Where a registry sends for a token; a password goes there. It may be another host, over TLS; without TLS only a registry of this machine may
 * send to this machine, or any where plain HTTP was asked for.
 * @throws GyreError FAILED_PRECONDITION
 */
export function realmOf(text: string | undefined, host: string, insecure: boolean): URL {
  const realm = URL.parse(text ?? '');
  const isPlain = realm?.protocol === 'http:' && (insecure || (isLoopback(host) && isLoopback(realm.host)));
  if (realm !== null && (realm.protocol === 'https:' || isPlain) && realm.username === '' && realm.password === '') return realm;
  throw new GyreError('FAILED_PRECONDITION', `${host} sends us to ${text ?? 'nowhere'} for a token; only https is followed`);
}
