export { openImports } from './imports.ts';
export { exportMlruns } from './export/export-server.ts';
export type { Export } from './export/export-server.ts';
export { importsMigrations } from './migrations/index.ts';
export type { ArtifactTarget, Imports } from './port.ts';
