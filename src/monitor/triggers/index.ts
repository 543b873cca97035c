export { openTriggers } from './triggers.ts';
export type { Triggers, TriggersDeps } from './port.ts';
export type { Policy } from './policy.ts';
export { triggersMigrations } from './migrations/index.ts';
export { triggersBlobHolders } from './blob-holders.ts';
