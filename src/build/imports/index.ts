export { openImports } from './imports.ts';
export { exportMlruns } from './export-server.ts';
export type { Export } from './export-server.ts';
export { importsMigrations } from './migrations/index.ts';
export type { Imports } from './port.ts';
