export { openRegistry } from './registry.ts';
export { registryMigrations } from './migrations/index.ts';
export type { AliasGuard, AliasName, CreateVersion, Registry, RegistryDeps, VersionQuery } from './port.ts';
export { registryBlobHolders } from './blob-holders.ts';
