import type { Access } from '#access';
import type { BlobStore } from '#blobs';
import type {
  Actor,
  Agent,
  AgentDetail,
  AgentReport,
  DesiredAnswer,
  EnrolledAgent,
  EnvironmentState,
  EventTypes,
  SignedManifest,
} from '#contract';
import type { Clock, NewId } from '#core';
import type { Events } from '#events';
import type { ApplyOptions } from '#release';
import type { Store } from '#store';

/** What the room knows of an environment. */
export interface FleetEnvironment {
  readonly name: string;
  /** Whether agents serve it. */
  readonly agents: boolean;
  /** How long a release waits for agents that are connected, in milliseconds. */
  readonly agentsWaitMs: number;
}

export interface FleetDeps {
  readonly store: Pick<Store, 'read' | 'write'>;
  readonly blobs: Pick<BlobStore, 'put' | 'read' | 'open' | 'stat'>;
  readonly events: Pick<Events<EventTypes>, 'publish'>;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly access: Pick<Access, 'createIdentity' | 'issueToken' | 'disableIdentity'>;
  /** Signs desired states: PKCS #8 in PEM. */
  readonly privateKey: string;
  readonly environments: () => readonly FleetEnvironment[];
  /** The platform itself, by which what is found is stated. */
  readonly actor: Actor;
}

/** The face by which releases reach agents (see `DataPlanes` of `#release`). */
export interface AgentPlanes {
  /** Whether agents serve an environment. */
  serves(environment: string): boolean;
  /**
   * Makes a manifest the desired state of its environment, and waits until the agents that are connected serve it, `agentsWaitMs` at most. Who is not
   * connected, or takes longer, comes to it later. What is desired already changes nothing.
   * @throws GyreError FAILED_PRECONDITION with the reason of an agent that refused it: what was desired before is desired again; UNAVAILABLE when the room is closed
   */
  apply(manifest: SignedManifest, options?: ApplyOptions): Promise<void>;
  /** Nothing is to be served in an environment in which nothing is live. */
  clear(environment: string): Promise<void>;
  /** How far the desired state has come. */
  summary(environment: string): Promise<NonNullable<EnvironmentState['agents']>>;
}

/** Agents on other machines, what they are to serve, and what they say that they serve. */
export interface Fleet extends AsyncDisposable {
  readonly planes: AgentPlanes;
  /**
   * Makes an identity that may do nothing but what an agent of this environment does, with a token.
   * @throws GyreError FAILED_PRECONDITION for an environment that no agents serve, NOT_FOUND; ALREADY_EXISTS for a name that was given before
   */
  enrol(request: { readonly name: string; readonly environment: string; readonly by: Actor }): Promise<EnrolledAgent>;
  /** Ends an agent's token, for good. Fine when it is revoked already. @throws GyreError NOT_FOUND */
  revoke(request: { readonly agent: string; readonly by: Actor }): Promise<Agent>;
  /** By environment and name. */
  agents(environment?: string): Promise<readonly Agent[]>;
  /** By id or name. @throws GyreError NOT_FOUND */
  agent(idOrName: string): Promise<AgentDetail>;
  /**
   * What an agent is to serve. Answers at once when that is not the revision that it has dealt with, else when it changes or the time is over.
   * @param request.after the revision that it has dealt with; 0: none
   * @throws GyreError NOT_FOUND for an identity that is no agent's; FAILED_PRECONDITION when no agents serve its environment any more
   */
  desired(request: {
    readonly identity: string;
    readonly after: number;
    readonly waitMs: number;
    readonly signal: AbortSignal;
  }): Promise<DesiredAnswer>;
  /** A file that the desired manifest of the agent's environment names, and no other. @throws GyreError NOT_FOUND */
  file(request: {
    readonly identity: string;
    readonly digest: string;
  }): Promise<{ readonly size: number; readonly bytes: AsyncIterable<Uint8Array> }>;
  /** @throws GyreError NOT_FOUND for an identity that is no agent's */
  report(request: { readonly identity: string; readonly report: AgentReport }): Promise<Agent>;
  /** The environment whose predictions an identity may file. @throws GyreError as `desired` */
  environmentOf(identity: string): Promise<string>;
  /** States, once, which agents have fallen silent. */
  look(): Promise<void>;
}
