import { mkdir, stat } from 'node:fs/promises';
import { GyreError } from '#core';
import type { Clock } from '#core';
import { follow } from './follow.ts';
import { jobFolder, makeJobFolder, readJobs, removeJob, streamPath, writeStatus } from './job-files.ts';
import { LocalJob } from './local-job.ts';
import type { Executor, JobHandle, JobSpec, JobStatus, LogsOptions } from './port.ts';
import { jobMark, killMarked } from './processes.ts';

export interface LocalExecutorOptions {
  /** Holds a folder per job: status, stdout, stderr. Made when missing; owned by one process at a time. */
  readonly dir: string;
  readonly clock: Clock;
  /** Our own environment, of which jobs see only the allowed names. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Between SIGTERM and SIGKILL. Default 5000. */
  readonly graceMs?: number;
}

/** What every program may need, and what tells nothing. */
const alwaysInherited = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR'];

/** Jobs as child processes on this machine. Jobs of an owner that died are stopped and marked `lost`. */
export async function openLocalExecutor(options: LocalExecutorOptions): Promise<Executor> {
  const { dir, clock } = options;
  await mkdir(dir, { recursive: true });
  const ended = new Map<string, JobStatus>();
  for (const { id, status } of await readJobs(dir)) {
    ended.set(id, status.state === 'running' ? await markLost(dir, id, status.startedAt, clock) : status);
  }
  return new LocalExecutor(options, ended);
}

async function markLost(dir: string, id: string, startedAt: number, clock: Clock): Promise<JobStatus> {
  const stopped = await killMarked(jobFolder(dir, id));
  const message = `the process that watched this job ended before it did${stopped > 0 ? `; ${stopped} of its processes were still running and have been stopped` : ''}`;
  const status: JobStatus = { state: 'lost', startedAt, endedAt: clock.now(), message };
  await writeStatus(dir, id, status);
  return status;
}

class LocalExecutor implements Executor {
  readonly #options: LocalExecutorOptions;
  readonly #ended: Map<string, JobStatus>;
  readonly #running = new Map<string, LocalJob>();
  readonly #starting = new Set<string>();
  #closed = false;

  constructor(options: LocalExecutorOptions, ended: Map<string, JobStatus>) {
    this.#options = options;
    this.#ended = ended;
  }

  async submit(spec: JobSpec): Promise<JobHandle> {
    const { dir, clock, graceMs = 5000 } = this.#options;
    if (this.#closed) throw new GyreError('UNAVAILABLE', 'the executor is closed');
    checkSpec(spec);
    if (this.#ended.has(spec.id) || this.#starting.has(spec.id))
      throw new GyreError('ALREADY_EXISTS', `there is a job "${spec.id}" already`, { id: spec.id });
    const folder = await stat(spec.cwd).catch(() => undefined);
    if (folder?.isDirectory() !== true)
      throw new GyreError('INVALID_ARGUMENT', `job "${spec.id}": the working folder ${spec.cwd} does not exist`);
    this.#starting.add(spec.id);
    try {
      await makeJobFolder(dir, spec.id);
      // On disk before it starts: should we die now, whoever comes next looks for its processes.
      await writeStatus(dir, spec.id, { state: 'running', startedAt: clock.now() });
      const job = await LocalJob.start({ spec, dir, clock, graceMs, environment: this.#environment(spec) });
      this.#running.set(spec.id, job);
      void job.final.then((status) => {
        this.#ended.set(spec.id, status);
        this.#running.delete(spec.id);
      });
      if (this.#closed) await job.stop('cancelled');
      return { id: spec.id };
    } finally {
      this.#starting.delete(spec.id);
    }
  }

  #environment(spec: JobSpec): Record<string, string> {
    const ours = this.#options.environment;
    const inherited = [...alwaysInherited, ...(spec.inheritEnv ?? [])].flatMap((name) => {
      const value = ours[name];
      return value === undefined ? [] : [[name, value] as const];
    });
    return { ...Object.fromEntries(inherited), ...spec.env, [jobMark]: jobFolder(this.#options.dir, spec.id) };
  }

  // oxlint-disable-next-line typescript/require-await -- other executors ask over the network
  async status(id: string): Promise<JobStatus> {
    const status = this.#running.get(id)?.status ?? this.#ended.get(id);
    if (status === undefined) throw unknownJob(id);
    return status;
  }

  async *watch(id: string, signal?: AbortSignal): AsyncGenerator<JobStatus> {
    const job = this.#running.get(id);
    yield await this.status(id);
    if (job === undefined) return;
    const aborted = Promise.withResolvers<undefined>();
    const abort = (): void => aborted.resolve(undefined);
    signal?.addEventListener('abort', abort);
    try {
      const final = signal?.aborted === true ? undefined : await Promise.race([job.final, aborted.promise]);
      if (final !== undefined) yield final;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  async wait(id: string): Promise<JobStatus> {
    return this.#running.get(id)?.final ?? this.status(id);
  }

  async *logs(id: string, options: LogsOptions = {}): AsyncGenerator<Uint8Array> {
    await this.status(id);
    const ended = options.follow === true ? (this.#running.get(id)?.final ?? Promise.resolve()) : undefined;
    yield* follow(streamPath(this.#options.dir, id, options.stream ?? 'stdout'), options.from ?? 0, ended, options.signal);
  }

  async cancel(id: string): Promise<void> {
    await this.status(id);
    await this.#running.get(id)?.stop('cancelled');
  }

  // oxlint-disable-next-line typescript/require-await -- other executors ask over the network
  async list(): Promise<readonly { readonly id: string; readonly status: JobStatus }[]> {
    const running = [...this.#running].map(([id, job]) => ({ id, status: job.status }));
    const ended = [...this.#ended].map(([id, status]) => ({ id, status }));
    return [...ended, ...running].toSorted((left, right) => left.status.startedAt - right.status.startedAt);
  }

  async remove(id: string): Promise<void> {
    const { state } = await this.status(id);
    if (state === 'running') throw new GyreError('FAILED_PRECONDITION', `job "${id}" still runs: cancel it first`, { id });
    this.#ended.delete(id);
    await removeJob(this.#options.dir, id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#running.values()].map((job) => job.stop('cancelled')));
  }
}

function checkSpec({ id, command, timeoutMs, env = {} }: JobSpec): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/.test(id)) {
    throw new GyreError('INVALID_ARGUMENT', `"${id}" is no id of a job: letters, digits, ".", "_" and "-" are allowed, 200 at most`);
  }
  const words = typeof command === 'string' ? [command] : command;
  if (words.length === 0 || words[0].trim() === '' || words.some((word) => word.includes('\u0000'))) {
    throw new GyreError('INVALID_ARGUMENT', `job "${id}": the command is empty or contains NUL`);
  }
  const name = Object.keys(env).find((key) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(key) || env[key].includes('\u0000'));
  if (name !== undefined) throw new GyreError('INVALID_ARGUMENT', `job "${id}": "${name}" cannot be a variable of its environment`);
  if (timeoutMs !== undefined && !(timeoutMs > 0))
    throw new GyreError('INVALID_ARGUMENT', `job "${id}": timeoutMs must be above 0, not ${timeoutMs}`);
}

function unknownJob(id: string): GyreError {
  return new GyreError('NOT_FOUND', `there is no job "${id}"`, { id });
}
