import { permissions } from '#contract';
import type { Actor, Identity, Permission, Role } from '#contract';
import { GyreError } from '#core';

/**
 * What each role may do: the whole matrix. Nobody who administers may certify or approve by that, and nobody who builds may
 * release: a model goes into production by the hands of several roles. Out of it, whoever answers for it takes it alone.
 */
export const permissionsOfRole: Readonly<Record<Role, readonly Permission[]>> = {
  'data-scientist': ['read', 'log', 'predict', 'build'],
  'ml-engineer': ['read', 'log', 'predict', 'build', 'deploy'],
  operator: ['read', 'log', 'predict', 'deploy', 'release', 'operate'],
  qa: ['read', 'deploy', 'certify', 'revoke'],
  approver: ['read', 'approve', 'revoke'],
  'business-user': ['read', 'predict'],
  stakeholder: ['read'],
  'data-steward': ['read', 'see_personal'],
  admin: ['read', 'log', 'revoke', 'administer', 'erase', 'operate'],
  agent: ['pull'],
};

/** What the built-in identity `local` may do: look, and log what it sees. */
export const permissionsOfLocal: readonly Permission[] = ['read', 'log'];

/** Somebody who was recognised, with what they may do. */
export interface Principal {
  readonly identity: Identity;
  readonly permissions: ReadonlySet<Permission>;
  /** As records name them. */
  readonly actor: Actor;
  readonly via: 'token' | 'password' | 'session' | 'local';
}

/** All that an identity's roles allow together. */
export function permissionsOf(roles: readonly Role[]): ReadonlySet<Permission> {
  const granted = new Set(roles.flatMap((role) => permissionsOfRole[role]));
  return new Set(permissions.filter((permission) => granted.has(permission)));
}

/** The roles that hold a permission. */
export function rolesWith(permission: Permission): readonly Role[] {
  return Object.entries(permissionsOfRole).flatMap(([role, granted]) => (granted.includes(permission) ? [role as Role] : []));
}

/** An identity as records name it. */
export function actorOf(identity: Identity): Actor {
  return { identity: identity.id, name: identity.name, ...(identity.simulated ? { simulated: true } : {}) };
}

/** @throws GyreError PERMISSION_DENIED naming the permission, the roles that hold it, and the roles that the caller has */
export function requirePermission(principal: Principal, permission: Permission): void {
  if (principal.permissions.has(permission)) return;
  const needed = rolesWith(permission);
  const held = principal.identity.roles;
  const who = principal.via === 'local' ? 'without a token you' : `"${principal.identity.name}"`;
  const roles = held.length === 0 ? 'no role' : `the ${held.length === 1 ? 'role' : 'roles'} ${held.join(', ')}`;
  const verb = principal.via === 'local' ? 'have' : 'has';
  throw new GyreError(
    'PERMISSION_DENIED',
    `permission "${permission}" is needed, which ${needed.join(', ')} have; ${who} ${verb} ${roles}`,
    {
      permission,
      roles: needed,
      held,
    },
  );
}

/** One hand that a record went through: `{ duty: 'author', actor }`. */
export interface Duty {
  readonly duty: string;
  readonly actor: Actor;
}

/** The first two duties that one identity holds; undefined when all are different people. */
export function sharedDuties(duties: readonly Duty[]): readonly [Duty, Duty] | undefined {
  for (const [index, first] of duties.entries()) {
    const second = duties.slice(index + 1).find(({ actor, duty }) => actor.identity === first.actor.identity && duty !== first.duty);
    if (second !== undefined) return [first, second];
  }
  return undefined;
}

/**
 * Separation of duties: author, certifier and approver of one version are different people.
 * @throws GyreError PERMISSION_DENIED naming the person and the two duties
 */
export function assertDifferentPeople(duties: readonly Duty[]): void {
  const shared = sharedDuties(duties);
  if (shared === undefined) return;
  const [first, second] = shared;
  throw new GyreError(
    'PERMISSION_DENIED',
    `"${first.actor.name}" is the ${first.duty} and cannot be the ${second.duty} as well: ${duties.map(({ duty }) => duty).join(', ')} have to be different people`,
    { identity: first.actor.identity, duties: [first.duty, second.duty] },
  );
}
