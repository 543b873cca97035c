import type { PlaneFigures, SignedManifest } from '#contract';

/**
 * Where data planes run, handed in by the composition root: child processes of `gyre up` today, agents on other
 * machines through the same face.
 */
export interface DataPlanes {
  /**
   * Makes the data plane of the manifest's environment serve it: starts the plane, or swaps without dropping a request.
   * Applying the manifest that it serves already changes nothing.
   * @returns the plane's base URL, once it is ready
   * @throws GyreError FAILED_PRECONDITION with the plane's reason when it refused (it goes on with what it had), UNAVAILABLE when it died
   */
  apply(manifest: SignedManifest): Promise<{ readonly address: string }>;
  /** The base URL of an environment's plane while it runs. */
  address(environment: string): string | undefined;
  /** Where it answers gRPC: `grpc://host:port`. */
  grpcAddress?(environment: string): string | undefined;
  /** How an environment's plane does just now; undefined when it does not run or does not answer. */
  figures?(environment: string): Promise<PlaneFigures | undefined>;
}
