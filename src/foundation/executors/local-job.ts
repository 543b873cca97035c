import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { open } from 'node:fs/promises';
import { messageOf } from '#core';
import type { Clock } from '#core';
import { jobFolder, streamPath, writeStatus } from './job-files.ts';
import type { JobSpec, JobStatus } from './port.ts';
import { killMarked, signalGroup } from './processes.ts';

export interface LocalJobParts {
  readonly spec: JobSpec;
  readonly dir: string;
  readonly clock: Clock;
  readonly graceMs: number;
  readonly environment: Readonly<Record<string, string>>;
}

type Stopped = 'cancelled' | 'timeout';

/** Timers cannot be longer: 24.8 days. */
const longestTimerMs = 2 ** 31 - 1;

/** One child process, the leader of a process group of its own. It writes straight to its log files. */
export class LocalJob {
  readonly #parts: LocalJobParts;
  readonly #startedAt: number;
  readonly #child: ChildProcess;
  readonly final: Promise<JobStatus>;
  #ended: JobStatus | undefined;
  #stopped: Stopped | undefined;
  #graceTimer: NodeJS.Timeout | undefined;

  private constructor(parts: LocalJobParts, child: ChildProcess) {
    this.#parts = parts;
    this.#startedAt = parts.clock.now();
    this.#child = child;
    this.final = this.#live();
  }

  static async start(parts: LocalJobParts): Promise<LocalJob> {
    const { spec, dir, environment } = parts;
    const stdout = await open(streamPath(dir, spec.id, 'stdout'), 'w');
    const stderr = await open(streamPath(dir, spec.id, 'stderr'), 'w');
    try {
      const [program, ...args] = typeof spec.command === 'string' ? ['/bin/sh', '-c', spec.command] : spec.command;
      const child = spawn(program, args, { cwd: spec.cwd, env: environment, detached: true, stdio: ['ignore', stdout.fd, stderr.fd] });
      return new LocalJob(parts, child);
    } finally {
      await Promise.all([stdout.close(), stderr.close()]);
    }
  }

  get status(): JobStatus {
    const { pid } = this.#child;
    return this.#ended ?? { state: 'running', startedAt: this.#startedAt, ...(pid === undefined ? {} : { pid }) };
  }

  /** Stops the whole group, gently first. Resolves when it has ended. */
  async stop(why: Stopped): Promise<void> {
    const { pid } = this.#child;
    if (this.#ended === undefined && this.#stopped === undefined && pid !== undefined) {
      this.#stopped = why;
      signalGroup(pid, 'SIGTERM');
      this.#graceTimer = setTimeout(() => signalGroup(pid, 'SIGKILL'), this.#parts.graceMs);
    }
    await this.final;
  }

  async #live(): Promise<JobStatus> {
    const { spec, dir } = this.#parts;
    const timer =
      spec.timeoutMs === undefined ? undefined : setTimeout(() => void this.stop('timeout'), Math.min(spec.timeoutMs, longestTimerMs));
    const status = await new Promise<JobStatus>((resolve) => {
      this.#child.once('error', (error) => resolve(this.#notStarted(error)));
      this.#child.once('exit', (exitCode, signal) => resolve(this.#exited(exitCode, signal)));
    });
    clearTimeout(timer);
    clearTimeout(this.#graceTimer);
    // The job is over when its main process is: what it left behind in the background goes too.
    if (this.#child.pid !== undefined) {
      signalGroup(this.#child.pid, 'SIGKILL');
      await killMarked(jobFolder(dir, spec.id));
    }
    this.#ended = status;
    await writeStatus(dir, spec.id, status).catch(() => undefined);
    return status;
  }

  #exited(exitCode: number | null, signal: NodeJS.Signals | null): JobStatus {
    const { spec, clock } = this.#parts;
    const times = { startedAt: this.#startedAt, endedAt: clock.now() };
    if (this.#stopped === 'cancelled') return { state: 'cancelled', ...times };
    if (this.#stopped === 'timeout') {
      return {
        state: 'failed',
        ...times,
        code: 'DEADLINE_EXCEEDED',
        message: `job "${spec.id}" ran longer than its ${spec.timeoutMs} ms and was stopped`,
      };
    }
    if (exitCode === 0) return { state: 'succeeded', ...times, exitCode };
    const end = exitCode === null ? `was ended by ${signal}` : `exited with code ${exitCode}`;
    return {
      state: 'failed',
      ...times,
      code: 'INTERNAL',
      message: `job "${spec.id}" ${end}`,
      ...(exitCode === null ? {} : { exitCode }),
      ...(signal === null ? {} : { signal }),
    };
  }

  #notStarted(error: Error): JobStatus {
    const { spec, clock } = this.#parts;
    const system = 'code' in error ? error.code : undefined;
    const code = system === 'ENOENT' ? 'NOT_FOUND' : system === 'EACCES' ? 'PERMISSION_DENIED' : 'INTERNAL';
    const program = typeof spec.command === 'string' ? '/bin/sh' : spec.command[0];
    return {
      state: 'failed',
      startedAt: this.#startedAt,
      endedAt: clock.now(),
      code,
      message: `job "${spec.id}": ${program} could not be started: ${messageOf(error)}`,
    };
  }
}
