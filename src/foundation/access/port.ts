import type { Actor, DefaultLevel, Identity, IdentityInput, IssuedToken, Permission, Role, Token } from '#contract';
import type { Clock, NewId, RandomBytes } from '#core';
import type { Events } from '#events';
import type { EventTypes } from '#contract';
import type { Store } from '#store';
import type { Grants } from './grants.ts';
import type { Principal } from './permissions.ts';
import type { Teams } from './teams.ts';

export interface AccessDeps {
  readonly store: Pick<Store, 'read' | 'write'>;
  readonly events: Pick<Events<EventTypes>, 'publish'>;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly randomBytes: RandomBytes;
  /** Whether the built-in identity `local` exists. Default true; the edge offers it on loopback only. */
  readonly local?: boolean;
  /** What holds on records where nothing was granted. Default `ROLES`: roles alone decide, and nobody but admins and makers manages. */
  readonly defaultLevel?: DefaultLevel;
}

export interface BrowserSession {
  /** The value of the cookie: HttpOnly, SameSite=Strict. Kept as a hash only. */
  readonly secret: string;
  readonly identity: Identity;
  /** UTC milliseconds. */
  readonly expiresAt: number;
}

/** Who may come in, and what they may do. */
export interface Access {
  /** Permissions on single records. */
  readonly grants: Grants;
  /** People who are granted things on records together. */
  readonly teams: Teams;
  /**
   * Makes the first identity, the owner, with a token. Whoever starts the platform hands in the secret that it has written into the data
   * folder before, so that a crash between the two loses nothing: a secret that is not known yet becomes the owner's token.
   * @param secret from `newSecret('token')`; left out, one is made for the first identity only
   * @returns undefined when there is nothing to do
   */
  bootstrap(secret?: string): Promise<{ readonly identity: Identity; readonly secret: string } | undefined>;
  /** Recognises a token or a session. @throws GyreError UNAUTHENTICATED when it is unknown, expired or revoked, or its identity disabled */
  authenticate(secret: string): Promise<Principal>;
  /**
   * Recognises the pair of Basic authentication: a token as the password (the name is free then), or an identity's name and password. A
   * password that was right is remembered for a minute, unless it is changed: programs send it with every request.
   * @throws GyreError UNAUTHENTICATED, RESOURCE_EXHAUSTED with `details.retryAfterMs` after too many wrong tries
   */
  authenticateBasic(name: string, password: string): Promise<Principal>;
  /** The built-in identity `local`. @throws GyreError UNAUTHENTICATED when it is switched off */
  local(): Principal;

  /** @throws GyreError ALREADY_EXISTS for a name in use, INVALID_ARGUMENT for a reserved one or a short password */
  createIdentity(input: IdentityInput, by: Actor, password?: string): Promise<Identity>;
  /** By id or name. @throws GyreError NOT_FOUND */
  getIdentity(idOrName: string): Promise<Identity>;
  listIdentities(): Promise<readonly Identity[]>;
  /** Ends its sessions and makes its tokens worthless, for good. @throws GyreError NOT_FOUND, FAILED_PRECONDITION for the last admin */
  disableIdentity(idOrName: string, by: Actor): Promise<Identity>;

  /** Gives it other roles, instead of those it has. @throws GyreError NOT_FOUND, FAILED_PRECONDITION when nobody would be admin any more */
  setRoles(idOrName: string, roles: readonly Role[], by: Actor): Promise<Identity>;

  /** @returns the token with its secret, which is shown this once. @throws GyreError NOT_FOUND, FAILED_PRECONDITION when the identity is disabled */
  issueToken(input: { readonly identity: string; readonly label: string; readonly expiresInMs?: number }, by: Actor): Promise<IssuedToken>;
  /** Fine when it is revoked already. @throws GyreError NOT_FOUND */
  revokeToken(id: string, by: Actor): Promise<Token>;
  listTokens(identity?: string): Promise<readonly Token[]>;
  /**
   * Tokens that are accepted now and whose identity has a permission, for a process that cannot ask this room.
   * @returns their SHA-256, sorted, and when the first of them expires (UTC milliseconds)
   */
  tokensWith(permission: Permission): Promise<{ readonly hashes: readonly string[]; readonly firstExpiry?: number }>;

  /** A code for one use within five minutes: a link that turns into a browser's session. */
  oneTimeCode(principal: Principal): Promise<{ readonly code: string; readonly expiresAt: number }>;
  /** @throws GyreError UNAUTHENTICATED when the code is unknown, used or expired */
  redeem(code: string): Promise<BrowserSession>;
  endSession(secret: string): Promise<void>;

  /** @throws GyreError INVALID_ARGUMENT for a short password, NOT_FOUND */
  setPassword(identity: string, password: string, by: Actor): Promise<void>;
  /** By whoever knows the present one. @throws GyreError as `authenticatePassword`; INVALID_ARGUMENT for the same or a short password */
  changeOwnPassword(name: string, current: string, password: string): Promise<void>;
  /**
   * Opens a session by name and password.
   * @throws GyreError UNAUTHENTICATED (the same words for a wrong name and a wrong password), RESOURCE_EXHAUSTED with `details.retryAfterMs` after too many tries
   */
  authenticatePassword(name: string, password: string): Promise<BrowserSession>;
}
