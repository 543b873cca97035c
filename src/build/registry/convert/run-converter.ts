import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { GyreError, messageOf } from '#core';

/** What a conversion may use at most; what is left out is not limited. */
export interface ConvertLimits {
  /** Memory that the process asks for itself (Linux: RLIMIT_DATA). */
  readonly memoryBytes?: number;
  readonly openFiles?: number;
  /** Processes and threads of the user that it runs as, all together. */
  readonly processes?: number;
  readonly cpuSeconds?: number;
  /** Then it is ended with all that it has started. */
  readonly timeoutMs?: number;
}

export interface ConvertWatch {
  readonly signal?: AbortSignal;
  /** Told each line that the model and its converter print. */
  readonly onLine?: (line: string) => void;
}

/** No credential is among them, nor anything that says where the rest of Gyre is. */
const passedOn = ['PATH', 'LANG', 'LC_ALL', 'LD_LIBRARY_PATH', 'KERAS_BACKEND'] as const;
const lastWords = 4000;

/**
 * Runs convert.py in a process group of its own that ends with it.
 * @param work the folder where it begins, its home, and where its temporary files go
 * @param spec what convert.py reads
 * @throws GyreError FAILED_PRECONDITION with the converter's words when it fails; DEADLINE_EXCEEDED when it takes too long; ABORTED
 */
export async function runConverter(
  python: string,
  work: string,
  spec: object,
  { timeoutMs, ...limits }: ConvertLimits,
  { signal, onLine }: ConvertWatch = {},
): Promise<void> {
  signal?.throwIfAborted();
  const child = spawn(python, ['-I', '-B', join(import.meta.dirname, 'convert.py')], {
    cwd: work,
    env: {
      ...Object.fromEntries(passedOn.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]))),
      HOME: work,
      TMPDIR: work,
      MLFLOW_DISABLE_TELEMETRY: 'true',
      DO_NOT_TRACK: '1',
    },
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-lastWords);
  });
  if (onLine !== undefined)
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (line.trim() !== '') onLine(line);
    });
  // One that ends before it has read all says why by its exit code.
  child.stdin.on('error', () => undefined);
  child.stdin.end(JSON.stringify({ ...spec, limits }));
  let isLate = false;
  const end = (): void => killGroup(child.pid);
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          isLate = true;
          end();
        }, timeoutMs);
  signal?.addEventListener('abort', end, { once: true });
  const [code, by] = await new Promise<[number | null, NodeJS.Signals | null]>((done, failed) => {
    child.once('error', (error) => failed(new GyreError('FAILED_PRECONDITION', `${python} cannot be run: ${messageOf(error)}`)));
    child.once('exit', () => end());
    child.once('close', (...ended) => done(ended));
  }).finally(() => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', end);
  });
  if (code === 0) return;
  if (signal?.aborted === true) throw new GyreError('ABORTED', 'the conversion was cancelled');
  if (isLate) throw new GyreError('DEADLINE_EXCEEDED', `the conversion was given up: it took longer than ${timeoutMs} ms`);
  const lines = complaint.trim().split('\n');
  const said =
    by === null
      ? lines.at(-1)
      : `its process was ended by ${by}${by === 'SIGXCPU' || by === 'SIGKILL' ? ' (a limit, or want of memory)' : ''}`;
  throw new GyreError('FAILED_PRECONDITION', `the model cannot be converted: ${said || `${python} ended with ${code}`}`, {
    said: lines.slice(-12),
  });
}

function killGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // It has ended, and left nothing behind.
  }
}
