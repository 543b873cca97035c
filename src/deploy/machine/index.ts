export { checkMachine, failedChecks, requireFit } from './check-machine.ts';
export type { MachineNeeds } from './check-machine.ts';
export { thisMachine } from './this-machine.ts';
export type { Machine } from './machine.ts';
