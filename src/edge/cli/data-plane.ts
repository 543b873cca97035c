import { GyreError } from '#core';

/** The base URL of a data plane that was named. @throws GyreError INVALID_ARGUMENT */
export function planeAddress(text: string): string {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text))
    throw new GyreError('INVALID_ARGUMENT', `"${text}" is no address of a data plane: http://host:port is needed`);
  return text.replace(/\/+$/, '');
}

/** A token goes where nobody else can read it: by TLS, or within this machine. */
export function tokenFor(address: string, token: string | undefined): { readonly token?: string } {
  const { protocol, hostname } = new URL(address);
  const isPrivate = protocol === 'https:' || hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
  return token === undefined || token === '' || !isPrivate ? {} : { token };
}
