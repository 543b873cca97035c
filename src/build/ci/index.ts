export { openCi } from './ci.ts';
export { ciMigrations } from './migrations/index.ts';
export { ciMarkdown } from './report-markdown.ts';
export { ciJunit } from './junit.ts';
export type { Ci, CiDeps } from './port.ts';
export { ciServices } from './workflows/delivery-plan.ts';
export type { CiService, DeliveryPlan } from './workflows/delivery-plan.ts';
export { isAsWritten, workflowFile } from './workflows/workflow-file.ts';
