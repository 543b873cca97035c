import { GyreError } from '#core';
import type { Clock } from '#core';
import type { Executor } from './port.ts';

export interface LocalExecutorOptions {
  /** Holds a folder per job: spec, status, stdout, stderr. Made when missing; owned by one process at a time. */
  readonly dir: string;
  readonly clock: Clock;
  /** Our own environment, of which jobs see only the allowed names. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Between SIGTERM and SIGKILL. Default 5000. */
  readonly graceMs?: number;
}

/** Jobs as child processes on this machine. Jobs of an owner that died are stopped and marked `lost`. */
export async function openLocalExecutor(options: LocalExecutorOptions): Promise<Executor> {
  throw new GyreError('UNIMPLEMENTED', `no jobs in ${options.dir} yet`);
}
