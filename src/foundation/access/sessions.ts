import { eventType } from '#contract';
import type { Identity } from '#contract';
import { GyreError, isoInstant } from '#core';
import {
  deleteBrowserSecret,
  findBrowserSecret,
  findBySession,
  findByToken,
  findIdentity,
  identityOf,
  insertBrowserSecret,
} from './access-store.ts';
import type { IdentityRow } from './access-store.ts';
import { actorOf, permissionsOf } from './permissions.ts';
import type { Principal } from './permissions.ts';
import type { AccessDeps, BrowserSession } from './port.ts';
import { hashOfSecret, kindOfSecret, newSecret } from './secrets.ts';

const sessionLifeMs = 7 * 24 * 60 * 60_000;

/** Recognises a token or a session by its secret. */
export async function authenticate(deps: AccessDeps, secret: string): Promise<Principal> {
  const kind = kindOfSecret(secret);
  if (kind !== 'token' && kind !== 'session') throw unknown('it has not the form of one');
  const hash = hashOfSecret(secret);
  const now = deps.clock.now();
  const find = kind === 'token' ? findByToken : findBySession;
  const found = await deps.store.read((db) => find(db, hash), { unsettled: true });
  if (found === undefined) throw unknown(kind === 'token' ? 'it is not known here' : 'the session is not known; log in again');
  const { identity, expiresAt, isRevoked } = found;
  if (isRevoked) throw unknown('it was revoked');
  if (expiresAt !== null && expiresAt <= now) throw unknown(`it expired at ${isoInstant(expiresAt)}`);
  if (identity.disabled) throw unknown(`its identity "${identity.name}" is disabled`);
  return principalOf(identityOf(identity), kind);
}

function unknown(reason: string): GyreError {
  return new GyreError('UNAUTHENTICATED', `the token is not accepted: ${reason}`);
}

/** Somebody as they were recognised. */
export function principalOf(identity: Identity, via: Principal['via']): Principal {
  return { identity, permissions: permissionsOf(identity.roles), actor: actorOf(identity), via };
}

/** Turns a one-time code into a session. */
export async function redeem(deps: AccessDeps, code: string): Promise<BrowserSession> {
  const hash = hashOfSecret(code);
  const now = deps.clock.now();
  const found = await deps.store.write(
    async (tx, args) => {
      const row = await findBrowserSecret(tx, 'code', args.hash);
      // Deleted with the same stroke in which it is found: a link works once, also when it is opened twice at a time.
      return row !== undefined && (await deleteBrowserSecret(tx, args.hash)) ? row : undefined;
    },
    { hash },
  );
  const identity = found === undefined ? undefined : await deps.store.read((db) => findIdentity(db, { id: found.identity }));
  if (found === undefined || identity === undefined || identity.disabled || found.expires_at <= now) {
    throw new GyreError('UNAUTHENTICATED', 'this link is used up or too old: ask for a new one with "gyre open"');
  }
  return startSession(deps, identity, 'one_time_code');
}

export async function startSession(deps: AccessDeps, identity: IdentityRow, how: 'one_time_code' | 'password'): Promise<BrowserSession> {
  const secret = newSecret('session', deps.randomBytes);
  const now = deps.clock.now();
  const expiresAt = now + sessionLifeMs;
  await deps.store.write(
    async (tx, row) => {
      await insertBrowserSecret(tx, row);
      deps.events.publish(tx, {
        type: eventType('session.started'),
        subject: row.identity,
        data: { identity: row.identity, how },
        actor: row.identity,
      });
    },
    { hash: hashOfSecret(secret), kind: 'session' as const, identity: identity.id, created_at: now, expires_at: expiresAt },
  );
  return { secret, identity: identityOf(identity), expiresAt };
}
