export type { Governance, GovernanceDeps, Lineage, LineageNode, TraceStart } from './port.ts';
