export { openApi } from './api.ts';
export type { Api, ApiDeps, LoopVerbs, Rooms } from './port.ts';
