export { runAgent } from './agent.ts';
export type { AgentDeps, AgentPlane, AgentTimes, Contact } from './port.ts';
export { agentFolder } from './agent-folder.ts';
export { requireEnrolment } from './enrolment.ts';
export { checkAgentMachine } from './check-by-hand.ts';
