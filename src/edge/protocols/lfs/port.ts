import type { IncomingHttpHeaders } from 'node:http';
import type { Principal } from '#access';
import type { LfsRepositories } from '#data';

export interface LfsOptions {
  readonly lfs: LfsRepositories;
}

/** A request as a route sees it: whoever sends it was recognised. */
export interface LfsCall {
  /** The values of the path's `:names`, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** As it comes from the wire; reading it throws CANCELLED when the caller goes away. */
  readonly body: AsyncIterable<Uint8Array>;
  readonly principal: Principal;
  /** The server's base URL as this caller knows it. */
  readonly address: string;
}

export interface LfsAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | AsyncIterable<Uint8Array>;
}

export interface LfsRoute {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** With `:name` for parameters. */
  readonly path: string;
  readonly handle: (call: LfsCall) => Promise<LfsAnswer>;
}
