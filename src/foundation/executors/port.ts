/** What to run. It runs with exactly this environment, plus what `inheritEnv` lets through. */
export interface JobSpec {
  /** Chosen by the caller, unique; names the job's folder, so letters, digits, `.`, `_` and `-` only. */
  readonly id: string;
  /** A program with its arguments, started without a shell; or one text for `/bin/sh -c`. */
  readonly command: readonly [string, ...string[]] | string;
  /** The working folder; it must exist. */
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Names of our own environment that the job may see beside PATH, HOME, LANG, LC_ALL, TZ and TMPDIR. */
  readonly inheritEnv?: readonly string[];
  /** The longest it may run. */
  readonly timeoutMs?: number;
}

export interface JobHandle {
  readonly id: string;
}

/** Where a job stands. `lost`: whoever watched it died, so nobody knows how it ended; what was left of it has been stopped. */
export type JobStatus =
  | { readonly state: 'running'; readonly startedAt: number; readonly pid?: number }
  | { readonly state: 'succeeded'; readonly startedAt: number; readonly endedAt: number; readonly exitCode: 0 }
  | {
      readonly state: 'failed';
      readonly startedAt: number;
      readonly endedAt: number;
      /** Absent when a signal ended it, or when it could not be started. */
      readonly exitCode?: number;
      readonly signal?: string;
      /** `DEADLINE_EXCEEDED`: ran longer than `timeoutMs`. */
      readonly code: 'INTERNAL' | 'DEADLINE_EXCEEDED' | 'NOT_FOUND' | 'PERMISSION_DENIED';
      readonly message: string;
    }
  | { readonly state: 'cancelled'; readonly startedAt: number; readonly endedAt: number }
  | { readonly state: 'lost'; readonly startedAt: number; readonly endedAt: number; readonly message: string };

export type JobStream = 'stdout' | 'stderr';

export interface LogsOptions {
  readonly stream?: JobStream;
  /** Go on until the job has ended. Default false: what there is now. */
  readonly follow?: boolean;
  /** Bytes to skip. */
  readonly from?: number;
  readonly signal?: AbortSignal;
}

/** Where a process runs. All methods but `submit` throw GyreError NOT_FOUND for an id they do not know. */
export interface Executor extends AsyncDisposable {
  /**
   * Starts a job. A program that cannot be started is a job that failed, not an error here.
   * @throws GyreError ALREADY_EXISTS for an id in use, INVALID_ARGUMENT for a spec that cannot be run anywhere
   */
  submit(spec: JobSpec): Promise<JobHandle>;
  status(id: string): Promise<JobStatus>;
  /** Each status it takes from now on; ends after the final one. */
  watch(id: string, signal?: AbortSignal): AsyncIterable<JobStatus>;
  /** The final status. */
  wait(id: string): Promise<JobStatus>;
  /** The bytes of one stream (default stdout), in order. */
  logs(id: string, options?: LogsOptions): AsyncIterable<Uint8Array>;
  /** Stops the job and all its children: SIGTERM, then SIGKILL. Resolves when it has ended; fine when it has already. */
  cancel(id: string): Promise<void>;
  /** Every job known, oldest first. */
  list(): Promise<readonly { readonly id: string; readonly status: JobStatus }[]>;
  /** Forgets an ended job and deletes its logs. @throws GyreError FAILED_PRECONDITION while it runs */
  remove(id: string): Promise<void>;
}
