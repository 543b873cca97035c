import type { IncomingHttpHeaders } from 'node:http';
import type { Principal } from '#access';
import type { Permission } from '#contract';
import type { Clock } from '#core';
import type { Registry } from '#registry';
import type { Training } from '#training';

/** The rooms that the protocol speaks for. */
export interface MlflowOptions {
  readonly training: Training;
  readonly registry: Registry;
  readonly clock: Clock;
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
  /** Absent on public routes only. */
  readonly principal?: Principal;
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
  readonly handle: (call: MlflowCall) => Promise<MlflowAnswer>;
}
