import { eventType } from '#contract';
import type { Actor, Identity } from '#contract';
import { GyreError, isoInstant } from '#core';
import {
  deleteBrowserSecret,
  findBrowserSecret,
  findIdentity,
  findOwner,
  findToken,
  identityOf,
  insertBrowserSecret,
  insertIdentity,
  insertToken,
  listIdentities,
  listTokens,
  markRevoked,
  tokenOf,
} from './access-store.ts';
import type { IdentityRow } from './access-store.ts';
import { openGrants } from './grants.ts';
import { disableIdentity, setRoles } from './identities.ts';
import { openLogins } from './logins.ts';
import { identityByPassword, newPasswordHash, setPassword } from './passwords.ts';
import { actorOf, permissionsOf, permissionsOfLocal } from './permissions.ts';
import type { Access, AccessDeps } from './port.ts';
import { hashOfSecret, kindOfSecret, newSecret } from './secrets.ts';
import { authenticate, principalOf, redeem, startSession } from './sessions.ts';
import { openTeams } from './teams.ts';

const codeLifeMs = 5 * 60_000;
const ownerRoles: IdentityRow['roles'] = ['admin', 'data-scientist', 'ml-engineer', 'operator', 'data-steward'];
const localIdentity: Identity = { id: 'local', name: 'local', roles: [], simulated: false, disabled: false, createdAt: isoInstant(0) };
const reservedNames = ['local', 'gyre', 'system'];

/** Opens the room over a migrated store. */
export function openAccess(deps: AccessDeps): Access {
  const { store, clock } = deps;

  const get = async (idOrName: string): Promise<IdentityRow> => {
    const found = await store.read(
      async (db) => (await findIdentity(db, { id: idOrName })) ?? (await findIdentity(db, { name: idOrName })),
    );
    if (found !== undefined) return found;
    const names = (await store.read(listIdentities)).map(({ name }) => name);
    throw new GyreError('NOT_FOUND', `there is no identity "${idOrName}"; there are: ${names.join(', ') || 'none'}`, {
      identity: idOrName,
    });
  };

  const grants = openGrants(deps, get, (row) => principalOf(identityOf(row), 'token'));
  const logins = openLogins(deps);
  const changed = (): void => {
    grants.forget();
    logins.forget();
  };

  return {
    grants,
    teams: openTeams(deps, get, grants.forget),
    bootstrap: (secret) => bootstrap(deps, secret),
    authenticate: (secret) => authenticate(deps, secret),
    local: () => {
      if (deps.local === false) throw new GyreError('UNAUTHENTICATED', 'a token is needed: the built-in identity "local" is switched off');
      return { identity: localIdentity, permissions: new Set(permissionsOfLocal), actor: actorOf(localIdentity), via: 'local' };
    },

    async createIdentity(input, by, password) {
      if (reservedNames.includes(input.name))
        throw new GyreError('INVALID_ARGUMENT', `the name "${input.name}" is reserved; choose another`);
      const row: IdentityRow = {
        id: deps.newId(),
        name: input.name,
        roles: [...new Set(input.roles)],
        simulated: input.simulated ?? false,
        disabled: false,
        owner: false,
        password: password === undefined ? null : await newPasswordHash(deps, password),
        created_at: clock.now(),
      };
      await store.write(async (tx, args) => {
        await tx.lock('identities');
        if ((await findIdentity(tx, { name: args.name })) !== undefined) {
          throw new GyreError('ALREADY_EXISTS', `there is an identity "${args.name}" already`, { name: args.name });
        }
        await insertIdentity(tx, args);
        const data = { id: args.id, name: args.name, roles: args.roles };
        deps.events.publish(tx, { type: eventType('identity.created'), subject: args.id, data, actor: by.identity });
      }, row);
      return identityOf(row);
    },
    getIdentity: async (idOrName) => identityOf(await get(idOrName)),
    listIdentities: async () => (await store.read(listIdentities)).map(identityOf),

    async disableIdentity(idOrName, by) {
      const row = await get(idOrName);
      await disableIdentity(deps, row, by, changed);
      return identityOf({ ...row, disabled: true });
    },
    async setRoles(idOrName, roles, by) {
      const row = await get(idOrName);
      await setRoles(deps, row, roles, by, changed);
      return identityOf({ ...row, roles: [...new Set(roles)] });
    },

    async issueToken(input, by) {
      const identity = await get(input.identity);
      if (identity.disabled)
        throw new GyreError('FAILED_PRECONDITION', `"${identity.name}" is disabled and gets no token`, { identity: identity.id });
      const secret = newSecret('token', deps.randomBytes);
      const now = clock.now();
      const expiresAt = input.expiresInMs === undefined ? null : now + input.expiresInMs;
      return { token: await addToken(deps, identity.id, input.label, secret, now, expiresAt, by), secret };
    },

    async revokeToken(id, by) {
      const row = await store.write(
        async (tx, args) => {
          const found = await findToken(tx, { id: args.id });
          if (found === undefined) throw new GyreError('NOT_FOUND', `there is no token "${args.id}"`, { token: args.id });
          if (found.revoked_at !== null) return found;
          await markRevoked(tx, args.id, args.now);
          const data = { id: found.id, identity: found.identity };
          deps.events.publish(tx, { type: eventType('token.revoked'), subject: found.id, data, actor: by.identity });
          return { ...found, revoked_at: args.now };
        },
        { id, now: clock.now() },
      );
      return tokenOf(row);
    },
    async listTokens(identity) {
      const id = identity === undefined ? undefined : (await get(identity)).id;
      return (await store.read((db) => listTokens(db, id))).map(tokenOf);
    },
    async tokensWith(permission) {
      const now = clock.now();
      const valid = await store.read(async (db) => {
        const able = (await listIdentities(db)).filter(({ roles, disabled }) => !disabled && permissionsOf(roles).has(permission));
        const ids = new Set(able.map(({ id }) => id));
        return (await listTokens(db, undefined)).filter(
          ({ identity, revoked_at, expires_at }) => ids.has(identity) && revoked_at === null && (expires_at === null || expires_at > now),
        );
      });
      const firstExpiry = Math.min(...valid.map(({ expires_at }) => expires_at ?? Infinity));
      return { hashes: valid.map(({ hash }) => hash).sort(), ...(Number.isFinite(firstExpiry) ? { firstExpiry } : {}) };
    },

    async oneTimeCode(principal) {
      if (principal.via === 'local')
        throw new GyreError('FAILED_PRECONDITION', 'the built-in identity "local" has no session: it needs none');
      const code = newSecret('code', deps.randomBytes);
      const now = clock.now();
      const row = {
        hash: hashOfSecret(code),
        kind: 'code' as const,
        identity: principal.identity.id,
        created_at: now,
        expires_at: now + codeLifeMs,
      };
      await store.write(insertBrowserSecret, row);
      return { code, expiresAt: row.expires_at };
    },
    redeem: (code) => redeem(deps, code),
    async endSession(secret) {
      await store.write(
        async (tx, args) => {
          const found = await findBrowserSecret(tx, 'session', args.hash);
          if (found === undefined || !(await deleteBrowserSecret(tx, args.hash))) return;
          const data = { identity: found.identity };
          deps.events.publish(tx, { type: eventType('session.ended'), subject: found.identity, data, actor: found.identity });
        },
        { hash: hashOfSecret(secret) },
      );
    },

    setPassword: async (identity, password, by) => setPassword(deps, await get(identity), password, by, changed),
    async changeOwnPassword(name, current, password) {
      const identity = await identityByPassword(deps, name, current);
      if (password === current) throw new GyreError('INVALID_ARGUMENT', 'the new password is the one that was set before: choose another');
      await setPassword(deps, identity, password, actorOf(identityOf(identity)), changed);
    },
    authenticateBasic: async (name, password) =>
      kindOfSecret(password) === 'token'
        ? authenticate(deps, password)
        : principalOf(identityOf(await logins.get(name, password)), 'password'),
    authenticatePassword: async (name, password) => startSession(deps, await identityByPassword(deps, name, password), 'password'),
  };
}

async function addToken(
  deps: AccessDeps,
  identity: string,
  label: string,
  secret: string,
  now: number,
  expiresAt: number | null,
  by: Actor,
): ReturnType<Access['revokeToken']> {
  const row = { id: deps.newId(), identity, label, hash: hashOfSecret(secret), created_at: now, expires_at: expiresAt, revoked_at: null };
  await deps.store.write(async (tx, args) => {
    await insertToken(tx, args);
    deps.events.publish(tx, {
      type: eventType('token.issued'),
      subject: args.id,
      data: { id: args.id, identity: args.identity },
      actor: by.identity,
    });
  }, row);
  return tokenOf(row);
}

async function bootstrap(deps: AccessDeps, given: string | undefined): ReturnType<Access['bootstrap']> {
  if (given !== undefined && kindOfSecret(given) !== 'token') {
    throw new GyreError(
      'INVALID_ARGUMENT',
      'the owner token is damaged: "gyre_" and 43 signs are needed; remove its file to get a new one',
    );
  }
  const owner: IdentityRow = {
    id: deps.newId(),
    name: 'owner',
    roles: ownerRoles,
    simulated: false,
    disabled: false,
    owner: true,
    password: null,
    created_at: deps.clock.now(),
  };
  const secret = given ?? newSecret('token', deps.randomBytes);
  const tokenId = deps.newId();
  const identity = await deps.store.write(
    async (tx, args) => {
      await tx.lock('identities');
      const present = await findOwner(tx);
      if (present === undefined) {
        await insertIdentity(tx, args.owner);
        const data = { id: args.owner.id, name: args.owner.name, roles: args.owner.roles };
        deps.events.publish(tx, { type: eventType('identity.created'), subject: args.owner.id, data, actor: args.owner.id });
      } else if (!args.isGiven || (await findToken(tx, { hash: args.hash })) !== undefined) return undefined;
      const holder = present ?? args.owner;
      const row = {
        id: args.tokenId,
        identity: holder.id,
        label: 'data folder',
        hash: args.hash,
        created_at: args.owner.created_at,
        expires_at: null,
        revoked_at: null,
      };
      await insertToken(tx, row);
      deps.events.publish(tx, {
        type: eventType('token.issued'),
        subject: row.id,
        data: { id: row.id, identity: holder.id },
        actor: holder.id,
      });
      return identityOf(holder);
    },
    { owner, hash: hashOfSecret(secret), tokenId, isGiven: given !== undefined },
  );
  return identity === undefined ? undefined : { identity, secret };
}
