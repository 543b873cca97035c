export { openImports } from './imports.ts';
export { importsMigrations } from './migrations/index.ts';
export type { ArtifactTarget, BeginImport, Imports, ImportsDeps, TrackingTarget } from './port.ts';
