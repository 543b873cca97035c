export { openImports } from './imports.ts';
export { importsMigrations } from './migrations/index.ts';
export type { ArtifactTarget, Imports } from './port.ts';
