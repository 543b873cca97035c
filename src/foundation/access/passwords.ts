import { eventType } from '#contract';
import type { Actor } from '#contract';
import { GyreError } from '#core';
import { clearAttempts, deleteBrowserSecretsOf, findAttempts, findIdentity, putAttempts, updateIdentity } from './access-store.ts';
import type { IdentityRow } from './access-store.ts';
import type { AccessDeps } from './port.ts';
import { hashPassword, verifyPassword } from './secrets.ts';

const leastLength = 12;
const greatestLength = 1024;
const freeTries = 5;
const firstLockMs = 1000;
const longestLockMs = 15 * 60_000;
const forgetAfterMs = 24 * 60 * 60_000;

/** How long an account is locked after so many wrong tries in a row: nothing for the first ones, then doubling. */
export function lockMs(failures: number): number {
  return failures < freeTries ? 0 : Math.min(longestLockMs, firstLockMs * 2 ** Math.min(30, failures - freeTries));
}

/** What is kept of a new password. @throws GyreError INVALID_ARGUMENT for a short one */
export async function newPasswordHash(deps: AccessDeps, password: string): Promise<string> {
  const { length } = password;
  if (length < leastLength || length > greatestLength) {
    throw new GyreError('INVALID_ARGUMENT', `a password has ${leastLength} to ${greatestLength} characters; this one has ${length}`);
  }
  return hashPassword(password, deps.randomBytes);
}

/** Sets an identity's password and ends its sessions. @param changed told after COMMIT */
export async function setPassword(
  deps: AccessDeps,
  identity: IdentityRow,
  password: string,
  by: Actor,
  changed: () => void,
): Promise<void> {
  const hash = await newPasswordHash(deps, password);
  await deps.store.write(
    async (tx, args) => {
      await updateIdentity(tx, args.id, { password: args.hash });
      await deleteBrowserSecretsOf(tx, args.id);
      await clearAttempts(tx, args.name);
      deps.events.publish(tx, { type: eventType('identity.password_set'), subject: args.id, data: { id: args.id }, actor: by.identity });
      tx.afterCommit(changed);
    },
    { id: identity.id, name: identity.name, hash },
  );
}

/**
 * Recognises an identity by its password. Each try is counted before the password is looked at, so that many at once do not get
 * more tries; names that nobody has cost the same time and are counted alike, so that nothing tells whether a name exists.
 */
export async function identityByPassword(deps: AccessDeps, name: string, password: string): Promise<IdentityRow> {
  const account = name.slice(0, 200);
  await countTry(deps, account);
  const identity = await deps.store.read((db) => findIdentity(db, { name: account }));
  const known = identity === undefined || identity.disabled ? null : identity.password;
  const given = password.slice(0, greatestLength + 1);
  const right = known === null ? await wasteTime(deps, given) : await verifyPassword(given, known);
  if (identity === undefined || !right) throw new GyreError('UNAUTHENTICATED', 'name or password is wrong');
  await deps.store.write(clearAttempts, account);
  return identity;
}

async function countTry(deps: AccessDeps, account: string): Promise<void> {
  await deps.store.write(
    async (tx, args) => {
      await tx.lock(`login:${args.account}`);
      const before = await findAttempts(tx, args.account);
      if (before !== undefined && before.locked_until > args.now) {
        const retryAfterMs = before.locked_until - args.now;
        const seconds = Math.ceil(retryAfterMs / 1000);
        throw new GyreError('RESOURCE_EXHAUSTED', `too many tries; try again in ${seconds} ${seconds === 1 ? 'second' : 'seconds'}`, {
          retryAfterMs,
        });
      }
      const failures = (before?.failures ?? 0) + 1;
      await putAttempts(tx, { account: args.account, failures, locked_until: args.now + lockMs(failures) }, args.now - forgetAfterMs);
    },
    { account, now: deps.clock.now() },
  );
}

async function wasteTime(deps: AccessDeps, password: string): Promise<false> {
  await hashPassword(password, deps.randomBytes);
  return false;
}
