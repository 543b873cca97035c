export type { Governance, GovernanceDeps, Lineage, LineageNode, TraceStart } from './port.ts';
export { openGarbage } from './garbage/garbage.ts';
export { blobHolders } from './garbage/holders.ts';
export type { Garbage } from './garbage/port.ts';
export { openGovernance } from './governance.ts';
export type { SideOf } from './diff/gather.ts';
export { governanceMigrations } from './migrations/index.ts';
