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
  /**
   * Starts a plane beside those of the environments, for tests that would disturb them: on a free port, with a log that ends with it.
   * @throws GyreError FAILED_PRECONDITION, UNAVAILABLE as `apply`
   */
  scratch?(manifest: SignedManifest): Promise<ScratchPlane>;
}

/** A data plane that ends when it is disposed of. */
export interface ScratchPlane extends AsyncDisposable {
  readonly address: string;
  /** From the start of its process until it was ready. */
  readonly startMs: number;
  /** Resident memory of its process and their children; undefined where that cannot be told. */
  residentBytes(): Promise<number | undefined>;
}
