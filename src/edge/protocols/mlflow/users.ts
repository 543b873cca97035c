import { requirePermission } from '#access';
import type { Access } from '#access';
import { grantLevels, guardedKinds } from '#contract';
import type { Grant, GrantLevel, GuardedKind, Identity } from '#contract';
import { GyreError, hasCode } from '#core';
import type { Caller, GuardedCall } from './port.ts';

/*
 * MLflow's users are our identities: the username is the name, an administrator has the role admin, and who was deleted is disabled for good.
 */

/** Somebody that MLflow's client makes may read and log, as its users may. */
export const rolesOfUser = ['data-scientist'] as const;

/** Who calls. Routes that are not public always know. */
export function callerOf({ caller }: GuardedCall): Caller {
  if (caller === undefined) throw new GyreError('UNAUTHENTICATED', 'nobody was recognised');
  return caller;
}

/** @throws GyreError NOT_FOUND in MLflow's words, also for a disabled identity */
export async function userNamed(access: Access, username: string): Promise<Identity> {
  try {
    const identity = await access.getIdentity(username);
    if (!identity.disabled && identity.name === username) return identity;
  } catch (error) {
    if (!hasCode(error, 'NOT_FOUND')) throw error;
  }
  throw new GyreError('NOT_FOUND', `User with username=${username} not found`);
}

/** @throws GyreError PERMISSION_DENIED unless the caller is an admin, or asks about itself */
export function requireSelfOrAdmin({ principal }: Caller, username: string): void {
  if (principal.via === 'local' || principal.identity.name !== username) requirePermission(principal, 'administer');
}

/** @throws GyreError INVALID_ARGUMENT */
export function levelNamed(permission: string): GrantLevel {
  const level = grantLevels.find((one) => one === permission);
  if (level !== undefined) return level;
  throw new GyreError('INVALID_ARGUMENT', `Invalid permission '${permission}'. Valid permissions are: (${quoted(grantLevels)})`);
}

/** @throws GyreError INVALID_ARGUMENT */
export function kindNamed(resourceType: string): GuardedKind {
  const kind = guardedKinds.find((one) => one === resourceType);
  if (kind !== undefined) return kind;
  throw new GyreError(
    'INVALID_ARGUMENT',
    `Invalid resource type '${resourceType}'. This server has permissions on: (${quoted(guardedKinds)}); runs and logged models follow their experiment`,
  );
}

const quoted = (words: readonly string[]): string => words.map((word) => `'${word}'`).join(', ');

/** A user as answers show it; clients before 3.12 want the lists of permissions. */
export function userMessage(identity: Identity, grants: readonly Grant[]): object {
  return {
    id: identity.id,
    username: identity.name,
    is_admin: identity.roles.includes('admin'),
    experiment_permissions: grants.filter(({ kind }) => kind === 'experiment').map(experimentPermission),
    registered_model_permissions: grants.filter(({ kind }) => kind === 'registered_model').map(modelPermission),
    scorer_permissions: [],
  };
}

export function experimentPermission({ record, identity, level }: Grant): object {
  return { experiment_id: record, user_id: identity, permission: level };
}

export function modelPermission({ record, identity, level }: Grant): object {
  return { workspace: 'default', name: record, user_id: identity, permission: level };
}
