export type { Governance, GovernanceDeps, Lineage, LineageNode, TraceStart } from './port.ts';
export { openGovernance } from './governance.ts';
export { governanceMigrations } from './migrations/index.ts';
