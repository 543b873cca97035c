import { createHmac } from 'node:crypto';
import { GyreError } from '#core';
import type { IdentityRow } from './access-store.ts';
import { identityByPassword } from './passwords.ts';
import type { AccessDeps } from './port.ts';
import { remember } from './remembered.ts';

const loginLifeMs = 60_000;
const mostLogins = 10_000;

/** Passwords that were right a moment ago. */
export interface Logins {
  get(name: string, password: string): Promise<IdentityRow>;
  readonly forget: () => void;
}

/** Remembers under a keyed hash: whoever reads this process's memory finds nothing that could be tried against a list of passwords. */
export function openLogins(deps: AccessDeps): Logins {
  const key = deps.randomBytes(32);
  const remembered = remember<IdentityRow>({ clock: deps.clock, forMs: loginLifeMs, most: mostLogins });
  return {
    get(name, password) {
      if (name === '' || password === '') throw new GyreError('UNAUTHENTICATED', 'name or password is wrong');
      const digest = createHmac('sha256', key).update(`${name.length}:${name}:${password}`).digest('base64');
      return remembered.get(digest, () => identityByPassword(deps, name, password));
    },
    forget: remembered.forget,
  };
}
