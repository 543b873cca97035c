import { GyreError } from '#core';
import type { Check, EnvironmentState, PlaneFigures, SignedManifest } from '#contract';

/**
 * Where data planes run, handed in by the composition root: child processes of `gyre up`, or agents on other machines through
 * the same face.
 */
export interface DataPlanes {
  /**
   * Makes the data plane of the manifest's environment serve it: starts the plane, or swaps without dropping a request.
   * Applying the manifest that it serves already changes nothing.
   * Agents are waited for as the environment says; those that are away come to it later.
   * @param options.keep it is what has to hold: no machine and no agent that refuses takes it back
   * @returns the plane's base URL, once it is ready, where the platform reaches it; what was found of its machine, where that was looked at
   * @throws GyreError FAILED_PRECONDITION with the plane's reason when it refused (it goes on with what it had) or of its machine, with
   *   `details.checks`; UNAVAILABLE when it died
   */
  apply(manifest: SignedManifest, options?: ApplyOptions): Promise<{ readonly address?: string; readonly checks?: readonly Check[] }>;
  /** The base URL of an environment's plane while it runs. */
  address(environment: string): string | undefined;
  /** Where it answers gRPC: `grpc://host:port`. */
  grpcAddress?(environment: string): string | undefined;
  /** How far agents have come that serve an environment; undefined where none do. */
  agents?(environment: string): Promise<EnvironmentState['agents']>;
  /** Nothing is live in an environment: agents that were told something are told so. */
  clear?(environment: string): Promise<void>;
  /** How an environment's plane does just now; undefined when it does not run or does not answer. */
  figures?(environment: string): Promise<PlaneFigures | undefined>;
  /**
   * Starts a plane beside those of the environments, for tests that would disturb them: on a free port, with a log that ends with it.
   * @throws GyreError FAILED_PRECONDITION, UNAVAILABLE as `apply`
   */
  scratch?(manifest: SignedManifest): Promise<ScratchPlane>;
}

export interface ApplyOptions {
  /**
   * It is what has to hold, such as the way back from a bad version, or what is on record as live: the machine is not asked whether it fits, and an agent
   * that refuses keeps nobody else from it.
   */
  readonly keep?: boolean;
}

/** A data plane that ends when it is disposed of. */
export interface ScratchPlane extends AsyncDisposable {
  readonly address: string;
  /** From the start of its process until it was ready. */
  readonly startMs: number;
  /** Resident memory of its process and their children; undefined where that cannot be told. */
  residentBytes(): Promise<number | undefined>;
}

/** Why something cannot be done in an environment that agents serve. */
export function servedByAgents(environment: string, why: string): GyreError {
  return new GyreError('FAILED_PRECONDITION', `"${environment}" is served by agents, which the platform does not reach: ${why}`, {
    environment,
  });
}
