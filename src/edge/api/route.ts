import type { Static, TSchema } from 'typebox';
import type { Principal } from '#access';
import type { Actor, Permission } from '#contract';
import { GyreError } from '#core';
import type { ApiDeps } from './port.ts';

/** What a caller needs for a route; `public`: nothing, for the few routes that `publicRoutes` names. */
export type RouteAccess = Permission | 'public';

/** The only routes that answer without anybody being recognised. */
export const publicRoutes: ReadonlySet<string> = new Set([
  'GET /health',
  'GET /version',
  'GET /login',
  'GET /lfs',
  'GET /api/docs',
  'GET /api/openapi.json',
  'POST /api/v1/sessions',
]);

export const routeTags = [
  'platform',
  'access',
  'project',
  'pipelines',
  'ci',
  'data',
  'features',
  'training',
  'evaluation',
  'registry',
  'release',
  'batch',
  'streams',
  'monitoring',
  'triggers',
  'governance',
  'events',
] as const;
export type RouteTag = (typeof routeTags)[number];

/** One request as a handler sees it: checked against the route's schemas, from somebody who may. */
export interface Call<P, Q, B> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** As records name the caller. */
  readonly by: Actor;
  readonly principal: Principal;
  readonly request: RequestFacts;
  /** Headers of the answer. */
  readonly answerHeaders: Map<string, string>;
  /** Aborts when the caller goes away or the server stops. */
  readonly signal: AbortSignal;
}

export interface RequestFacts {
  readonly id: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The secret in the session's cookie. */
  readonly session?: string;
  readonly secure: boolean;
  /** Only the headers of the answer are wanted. */
  readonly isHead: boolean;
}

/** An answer that is no JSON of ours: a page, a file, a redirection. */
export interface FileAnswer {
  readonly status?: number;
  readonly type: string;
  readonly body: string | Uint8Array | AsyncIterable<Uint8Array>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Server-sent events: writes until `signal` aborts; each write waits until the caller has taken what was written before. */
export type StreamAnswer = (sink: { readonly write: (text: string) => Promise<void>; readonly signal: AbortSignal }) => Promise<void>;

/** What a route answers, for its documentation and for the tests that hold answers against it. */
export type Answer =
  | { readonly kind: 'json'; readonly schema: TSchema; readonly status: number }
  | { readonly kind: 'file'; readonly types: readonly string[]; readonly description: string }
  | { readonly kind: 'stream' };

interface RouteFacts {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** With `:name` for parameters and `*` for the rest of the path. */
  readonly path: string;
  readonly permission: RouteAccess;
  readonly tag: RouteTag;
  /** What it does, in a few words. */
  readonly summary: string;
  readonly description?: string;
  /** Of a file: answers HEAD as well. */
  readonly head?: true;
  /** Largest body in bytes; 1 MiB without it. */
  readonly bodyLimit?: number;
}

/** A row of the table of routes. */
export interface Route extends RouteFacts {
  readonly params?: TSchema;
  readonly query?: TSchema;
  readonly body?: TSchema;
  readonly answer: Answer;
  readonly run: (rooms: ApiDeps, call: Call<unknown, unknown, unknown>) => Promise<unknown>;
}

type Known<S extends TSchema> = Static<S>;
/** What a schema describes, as handlers may give it: rooms answer with readonly records. */
export type Answered<T> = T extends readonly (infer U)[]
  ? readonly Answered<U>[]
  : T extends object
    ? { readonly [K in keyof T]: Answered<T[K]> }
    : T;

interface Schemas<P extends TSchema, Q extends TSchema, B extends TSchema> {
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
}

type JsonRoute<P extends TSchema, Q extends TSchema, B extends TSchema, A extends TSchema> = RouteFacts &
  Schemas<P, Q, B> & {
    /** The shape of what it answers. */
    readonly answer: A;
    /** 200 without it. */
    readonly status?: number;
    readonly handle: (rooms: ApiDeps, call: Call<Known<P>, Known<Q>, Known<B>>) => Promise<Answered<Known<A>>> | Answered<Known<A>>;
  };

/** A route that answers JSON. */
export function route<P extends TSchema, Q extends TSchema, B extends TSchema, A extends TSchema>(spec: JsonRoute<P, Q, B, A>): Route {
  const { answer, status = 200, handle, ...facts } = spec;
  return { ...facts, answer: { kind: 'json', schema: answer, status }, run: erased(handle) };
}

type FileRoute<P extends TSchema, Q extends TSchema, B extends TSchema> = RouteFacts &
  Schemas<P, Q, B> & {
    readonly types: readonly string[];
    readonly answers: string;
    readonly handle: (rooms: ApiDeps, call: Call<Known<P>, Known<Q>, Known<B>>) => Promise<FileAnswer> | FileAnswer;
  };

/** A route that answers a page, a file or a redirection. */
export function fileRoute<P extends TSchema, Q extends TSchema, B extends TSchema>(spec: FileRoute<P, Q, B>): Route {
  const { types, answers, handle, ...facts } = spec;
  return { ...facts, answer: { kind: 'file', types, description: answers }, run: erased(handle) };
}

type StreamRoute<P extends TSchema, Q extends TSchema> = RouteFacts &
  Omit<Schemas<P, Q, TSchema>, 'body'> & {
    readonly handle: (rooms: ApiDeps, call: Call<Known<P>, Known<Q>, unknown>) => Promise<StreamAnswer> | StreamAnswer;
  };

/** A route that answers server-sent events. */
export function streamRoute<P extends TSchema, Q extends TSchema>(spec: StreamRoute<P, Q>): Route {
  const { handle, ...facts } = spec;
  return { ...facts, answer: { kind: 'stream' }, run: erased(handle) };
}

/** The registrar has held params, query and body against this very route's schemas when it calls: they are what the schemas say. */
function erased<P, Q, B>(handle: (rooms: ApiDeps, call: Call<P, Q, B>) => unknown): Route['run'] {
  return async (rooms, call) => handle(rooms, call as Call<P, Q, B>);
}

/** @throws GyreError INTERNAL when a route is open to everybody without being named so, or is there twice */
export function assertSafe(routes: readonly Route[]): void {
  const seen = new Set<string>();
  for (const { method, path, permission } of routes) {
    const name = `${method} ${path}`;
    if (seen.has(name)) throw new GyreError('INTERNAL', `the route ${name} is in the table twice`);
    seen.add(name);
    if ((permission === 'public') !== publicRoutes.has(name)) {
      throw new GyreError('INTERNAL', `the route ${name} has to name the permission it needs; only those in publicRoutes go without`);
    }
  }
}
