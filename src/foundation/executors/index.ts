export { openLocalExecutor } from './local.ts';
export type { LocalExecutorOptions } from './local.ts';
export type { Executor, JobHandle, JobSpec, JobStatus, JobStream, LogsOptions } from './port.ts';
