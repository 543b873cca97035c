import type { IncomingHttpHeaders } from 'node:http';
import type { Access, Principal, Rights } from '#access';
import type { Permission } from '#contract';
import type { Clock } from '#core';
import type { Registry, Webhooks } from '#registry';
import type { Training } from '#training';
import type { Fields } from './message.ts';

/** The rooms that the protocol speaks for. */
export interface MlflowOptions {
  readonly access: Access;
  readonly training: Training;
  readonly registry: Registry;
  readonly webhooks: Webhooks;
  readonly clock: Clock;
  /** Bytes that one artifact has at most. */
  readonly artifactLimitBytes: number;
  /** The version of Gyre. */
  readonly version: string;
}

/** A request as a route sees it: whoever sends it was recognised, and has the route's permission. */
export interface MlflowCall {
  readonly method: string;
  /** The values of the path's `:names` and of its `*`, decoded once. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** As it comes from the wire; reading it throws CANCELLED when the caller goes away. */
  readonly body: AsyncIterable<Uint8Array>;
  /** The server's base URL as this caller knows it. */
  readonly address: string;
  /** Absent on public routes only. */
  readonly principal?: Principal;
}

/** A call behind its route's guard. */
export interface GuardedCall extends MlflowCall {
  /** Who calls, and what they may do on which records. Absent on public routes only. */
  readonly caller?: Caller;
  readonly guard: CallGuard;
}

export interface Caller {
  readonly principal: Principal;
  readonly rights: Rights;
}

/** What `exchange` asks with the message that it has read. */
export interface CallGuard {
  /** @throws GyreError PERMISSION_DENIED */
  permit(values: Readonly<Record<string, unknown>>): Promise<void>;
}

export interface MlflowAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | AsyncIterable<Uint8Array>;
}

export interface MlflowRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /**
   * With `:name` for parameters and a final `*`. Below `/2.0/` or `/3.0/` it answers under `/api` and its twin `/ajax-api`; any other path
   * stands as it is.
   */
  readonly path: string;
  /** What the caller must be allowed; `public` needs nobody. */
  readonly permission: Permission | 'public';
  /** A file is answered, and HEAD as well: how large it is, and whether it changed. */
  readonly givesFile?: true;
  /** Set by `exchange`: the guard is asked with the message. Any other route is asked by its query string and path before its body is read. */
  readonly asks?: 'with message';
  /** The request's message, where `exchange` reads one. */
  readonly request?: Fields;
  readonly handle: (call: GuardedCall) => Promise<MlflowAnswer>;
}

/** A route behind its guard, as the server mounts it. */
export interface MountedRoute extends Pick<MlflowRoute, 'method' | 'path' | 'permission' | 'givesFile'> {
  /** Whether it is named what the route does to which record. One without is closed to whoever may not do everything to all. */
  readonly isGuarded: boolean;
  readonly request?: Fields;
  readonly handle: (call: MlflowCall) => Promise<MlflowAnswer>;
}
