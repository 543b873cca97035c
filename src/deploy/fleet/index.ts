export { openFleet } from './fleet.ts';
export type { AgentPlanes, Fleet, FleetDeps, FleetEnvironment } from './port.ts';
export { fleetMigrations } from './migrations/index.ts';
export { fleetBlobHolders } from './blob-holders.ts';
