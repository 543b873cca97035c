import { requirePermission } from '#access';
import type { Principal } from '#access';
import type { Permission } from '#contract';
import { GyreError } from '#core';

/**
 * Pulling needs `read`, pushing `build`. Who came without a token is asked for one: git-lfs then gets it from git's credential helper.
 * @throws GyreError UNAUTHENTICATED, PERMISSION_DENIED
 */
export function demand(principal: Principal, permission: Permission): void {
  if (principal.via === 'local' && !principal.permissions.has(permission)) {
    throw new GyreError('UNAUTHENTICATED', `a token is needed, as the password: without one nobody has permission "${permission}"`);
  }
  requirePermission(principal, permission);
}
