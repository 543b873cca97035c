export { openAccess } from './access.ts';
export type { Access, AccessDeps, BrowserSession } from './port.ts';
export { accessMigrations } from './migrations/index.ts';
export {
  actorOf,
  assertDifferentPeople,
  permissionsOf,
  permissionsOfRole,
  requirePermission,
  rolesWith,
  sharedDuties,
} from './permissions.ts';
export type { Duty, Principal } from './permissions.ts';
export { kindOfSecret, newSecret } from './secrets.ts';
export type { SecretKind } from './secrets.ts';
export type { Grants } from './grants.ts';
export { everyRecord, isEverywhere, isWithin } from './rights.ts';
export type { Reach, RecordAction, Rights } from './rights.ts';
