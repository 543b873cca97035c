export { openRegistry } from './registry.ts';
export { openWebhooks } from './webhooks/webhooks.ts';
export type { WebhookTrial, Webhooks } from './webhooks/port.ts';
export { registryMigrations } from './migrations/index.ts';
export type { TestVersion } from './port.ts';
export type { GuardedPlace, KeptSources, Registry, RegistryDeps, VersionSource } from './port.ts';
export { requireJudged, requireTrained } from './judged.ts';
export { filesAsBrought } from './brought/as-brought.ts';
export { registryBlobHolders } from './blob-holders.ts';
