export { openApi } from './api.ts';
export { requireMayLater } from './routes/batch-rights.ts';
export { apiDescription } from './table.ts';
export type { OpenApiDocument } from './openapi.ts';
export type { Api, ApiDeps, BackupVerbs, LoopVerbs, Rooms } from './port.ts';
