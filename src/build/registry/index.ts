export { openRegistry } from './registry.ts';
export { registryMigrations } from './migrations/index.ts';
export type { GuardedPlace, KeptSources, Registry, RegistryDeps, VersionSource } from './port.ts';
export { requireJudged } from './judged.ts';
export { registryBlobHolders } from './blob-holders.ts';
