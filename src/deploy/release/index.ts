export { openRelease } from './release.ts';
export type {
  ApproveRequest,
  CertifyRequest,
  PlaneProblem,
  Release,
  ReleaseDeps,
  ReleaseSettings,
  Reports,
  RollRequest,
  Versions,
} from './port.ts';
export type { DataPlanes, ScratchPlane } from './planes.ts';
export type { Environment } from './gates.ts';
export type { DecideRollout, Rollouts, StartRollout } from './rollout/port.ts';
export { rolloutMigrations } from './rollout/migrations/index.ts';
export { releaseMigrations } from './migrations/index.ts';
export { releaseBlobHolders } from './blob-holders.ts';
/** For tests and benchmarks of releases under load; application tests enter by themselves. */
export { openLoadGenerator } from './load/generator.ts';
