import type { ReleaseManifest } from '#contract';
import type { MetricFamily } from '#telemetry';
import type { PlaneReport } from './plane-report.ts';

/** What a plane is to serve next: another manifest, or the one that it has with some models loaded or unloaded. */
export interface PlaneChange {
  readonly manifest: ReleaseManifest;
  /** Titles of models that stay unloaded. */
  readonly unloaded: readonly string[];
  /** Planes that answer together: each has its part of the workers, the queue and the memory that models may take. */
  readonly planes: number;
}

/** The plane of another thread, which answers at the same addresses and follows the first one. */
export interface PlanePeer {
  /** Loads what is to be served, beside what is. @throws GyreError when it cannot; nothing is held then */
  prepare(change: PlaneChange): Promise<void>;
  /** From now on new requests get what was prepared. */
  commit(): Promise<void>;
  /** Lets go of what was prepared. */
  abandon(): Promise<void>;
  /** Finishes the open segment of its log. */
  flush(): Promise<unknown>;
  report(): Promise<PlaneReport>;
  /** What its metrics counted; what they measure since the last time begins anew with it. */
  collect(): Promise<readonly MetricFamily[]>;
}

/** The first of several planes, as the others ask it. */
export interface PlaneLeader {
  /** As `Plane.setLoaded`, for all of them. */
  setLoaded(name: string, loaded: boolean): Promise<void>;
  /** Of all of them, its own first. */
  reports(): Promise<readonly PlaneReport[]>;
  /** What `/metrics` says of all of them. */
  metricsText(): Promise<string>;
}
