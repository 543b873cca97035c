export { openTriggers } from './triggers.ts';
export type { Triggers, TriggersDeps } from './triggers.ts';
export type { Policy } from './policy.ts';
export { triggersMigrations } from './migrations/index.ts';
