export { openRelease } from './release.ts';
export type {
  ApproveRequest,
  AttachRequest,
  AttestRequest,
  CertifyRequest,
  PlaneProblem,
  Release,
  ReleaseDeps,
  ReleaseSettings,
  Reports,
  RevokeRequest,
  RollRequest,
  Versions,
} from './port.ts';
export type { ApplyOptions, DataPlanes, ScratchPlane } from './planes.ts';
export type { Environment } from './gates.ts';
export type { DecideRollout, Rollouts, StartRollout } from './rollout/port.ts';
export { rolloutMigrations } from './rollout/migrations/index.ts';
export type { Asking, SignOffQueue } from './queue/queue.ts';
export type { Policies } from './policy/policies.ts';
export { isTakingOut } from './decisions/revoke.ts';
export { releaseMigrations } from './migrations/index.ts';
export { releaseTestMigrations } from './tests/runs/migrations/index.ts';
export { releaseDriftMigrations } from './policy/drift-migrations/index.ts';
export { releasePolicyMigrations } from './policy/migrations/index.ts';
export { releaseBlobHolders } from './blob-holders.ts';
/** For tests and benchmarks of releases under load; application tests enter by themselves. */
export { openLoadGenerator } from './load/generator.ts';
