import type { PythonLimits } from './runner-process.ts';

/** What the operator of a data plane allows models in Python: without it, none is loaded. */
export interface PythonSettings {
  /** Where environments, copies of packages and working folders lie. */
  readonly cacheFolder: string;
  /**
   * `existing`: an interpreter that has what the models need. `create`: an environment for each lock, installed by uv, or by venv and pip
   * with the interpreter that is given or found.
   */
  readonly environments: 'existing' | 'create';
  /** The interpreter; with `existing` it must be given. */
  readonly python?: string;
  /** Processes for each model; default 1. */
  readonly processes?: number;
  readonly limits?: PythonLimits;
  /** Default 120,000. */
  readonly loadTimeoutMs?: number;
  /** Default 60,000. */
  readonly runTimeoutMs?: number;
  /** Lines that models print, and what happens to their processes. */
  readonly log?: (line: Readonly<Record<string, string>>, message: string) => void;
}
