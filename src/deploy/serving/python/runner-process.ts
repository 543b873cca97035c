import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Duplex } from 'node:stream';
import { errorCodes, GyreError, memberOf, messageOf } from '#core';
import type { ErrorCode } from '#core';
import type { Feeds, Tensor } from '#onnx';
import { frameTensors, readFrames, tensorsOf, writeFrame } from './frames.ts';
import type { Frame } from './frames.ts';

/** What a model in Python may use at most; what is left out is not limited. */
export interface PythonLimits {
  /** Memory that the process asks for itself (Linux: RLIMIT_DATA); shared libraries are not counted. */
  readonly memoryBytes?: number;
  readonly openFiles?: number;
  /** Processes and threads of the user that it runs as, all together: RLIMIT_NPROC. The superuser has no such limit. */
  readonly processes?: number;
  /** Processor time over its whole life; then it is ended, and started again. */
  readonly cpuSeconds?: number;
}

export interface RunnerStart {
  /** The interpreter. */
  readonly python: string;
  /** An empty folder: where the process begins, its home, and where its temporary files go. */
  readonly workFolder: string;
  /** What it is told to load: see runner.py. */
  readonly load: Readonly<Record<string, unknown>>;
  readonly limits: PythonLimits;
  /** Lines that the model's code prints. */
  readonly onLine: (line: string) => void;
  /** Loading that takes longer has failed. */
  readonly loadTimeoutMs: number;
  /** A run that takes longer is given up, and the process with it: nobody knows whether it would ever end. */
  readonly runTimeoutMs: number;
}

/** What the process says of itself when the model is loaded. */
export interface RunnerFacts {
  readonly python: string;
  readonly libraries: Readonly<Record<string, string>>;
  /** The classes that the model itself names, in the order of its probabilities. */
  readonly classes?: readonly string[];
}

interface Waiting {
  readonly resolve: (frame: Frame) => void;
  readonly reject: (error: unknown) => void;
  readonly timer: NodeJS.Timeout;
}

/** No credential is among them, nor anything that says where the rest of Gyre is. */
const passedOn = ['PATH', 'LANG', 'LC_ALL', 'TZ', 'LD_LIBRARY_PATH', 'CUDA_VISIBLE_DEVICES', 'OMP_NUM_THREADS'] as const;
const pingMs = 5_000;
/** Pings are answered by a thread of their own; one that holds Python's lock all this time is not coming back. */
const silenceMs = 60_000;
const stopPatienceMs = 5_000;

/** One Python process with the model in it, from its start to its end. It never comes back: the session replaces it. */
export class RunnerProcess {
  readonly #child: ChildProcess;
  readonly #socket: Duplex;
  readonly #start: RunnerStart;
  readonly #waiting = new Map<number, Waiting>();
  readonly #ended = Promise.withResolvers<void>();
  #count = 0;
  #death: string | undefined;
  #lastWords: string[] = [];
  #residentBytes = 0;
  #pinging: NodeJS.Timeout | undefined;
  /** Settles when the model is loaded. @throws GyreError FAILED_PRECONDITION with the model's own words, UNAVAILABLE when the process ended */
  readonly ready: Promise<RunnerFacts>;

  /** @param onEnd called once when the process has ended, after its runs were answered UNAVAILABLE */
  constructor(start: RunnerStart, onEnd: () => void) {
    this.#start = start;
    const { python, workFolder } = start;
    this.#child = spawn(python, ['-I', '-B', '-u', join(import.meta.dirname, 'runner.py')], {
      cwd: workFolder,
      env: {
        ...Object.fromEntries(passedOn.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]))),
        HOME: workFolder,
        TMPDIR: workFolder,
        MLFLOW_DISABLE_TELEMETRY: 'true',
        DO_NOT_TRACK: '1',
      },
      // A group of its own: what the model's code starts ends with it.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    const socket = this.#child.stdio[3];
    if (!(socket instanceof Duplex)) throw new GyreError('INTERNAL', 'a child process was given no socket');
    this.#socket = socket;
    socket.on('error', () => undefined);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => this.#heard(line));
    }
    readFrames(
      socket,
      (frame) => this.#take(frame),
      (why) => this.kill(why),
    );
    this.#child.once('error', (error) => {
      this.#death = `${python} cannot be run: ${messageOf(error)}`;
      this.#end(onEnd);
    });
    this.#child.once('exit', (code, signal) => {
      this.#death ??= code === null ? `it was ended by ${signal}` : `it ended with code ${code}${this.#lastWord()}`;
      this.#end(onEnd);
    });
    this.ready = this.#load();
    // Who waits for it sees the failure; without a reader it must not end the process.
    this.ready.catch(() => undefined);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Memory that it held when it was asked last. */
  get residentBytes(): number {
    return this.#residentBytes;
  }

  /** How many runs it was given and has not answered. */
  get load(): number {
    let runs = 0;
    for (const id of this.#waiting.keys()) if (id > 0) runs += 1;
    return runs;
  }

  /** Why it ended, or is to end. */
  get death(): string {
    return this.#death ?? 'it ended';
  }

  /** Settles when the process has ended. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** @throws GyreError what the model's code says of these values; UNAVAILABLE when the process ends before it answers */
  async run(feeds: Feeds): Promise<Record<string, Tensor>> {
    const { described, parts } = frameTensors(feeds);
    const { runTimeoutMs } = this.#start;
    const frame = await this.#ask({ op: 'infer', tensors: described }, parts, runTimeoutMs, `a run took longer than ${runTimeoutMs} ms`);
    return tensorsOf(frame);
  }

  /** Ends the process and all that it has started, at once. */
  kill(why: string): void {
    this.#death ??= why;
    signalGroup(this.#child.pid);
  }

  /** Lets it finish what it was given, then ends it. */
  async stop(): Promise<void> {
    this.#death ??= 'the model is unloaded';
    if (this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null) {
      writeFrame(this.#socket, { id: 0, op: 'stop' });
      const force = setTimeout(() => signalGroup(this.#child.pid), stopPatienceMs);
      await this.#ended.promise;
      clearTimeout(force);
    }
    await this.#ended.promise;
  }

  async #load(): Promise<RunnerFacts> {
    const { load, limits, loadTimeoutMs } = this.#start;
    const { header } = await this.#ask({ op: 'load', ...load, limits }, [], loadTimeoutMs, `loading took longer than ${loadTimeoutMs} ms`);
    this.#residentBytes = numberIn(header['ok'], 'residentBytes');
    this.#keepAsking();
    return factsOf(header['ok']);
  }

  #keepAsking(): void {
    this.#pinging = setInterval(() => {
      // One at a time: the last one is late already.
      if ([...this.#waiting.keys()].some((id) => id < 0)) return;
      void this.#ask({ op: 'ping' }, [], silenceMs, `it has said nothing for ${silenceMs} ms`, -++this.#count).then(
        ({ header }) => {
          this.#residentBytes = numberIn(header['ok'], 'residentBytes');
        },
        () => undefined,
      );
    }, pingMs);
    this.#pinging.unref();
  }

  #ask(request: object, parts: readonly Uint8Array[], timeoutMs: number, late: string, id = ++this.#count): Promise<Frame> {
    return new Promise((resolve, reject) => {
      if (this.#death !== undefined) {
        reject(this.#gone());
        return;
      }
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new GyreError('DEADLINE_EXCEEDED', `the model was given up: ${late}`, { timeoutMs }));
        this.kill(late);
      }, timeoutMs);
      this.#waiting.set(id, { resolve, reject, timer });
      try {
        writeFrame(this.#socket, { id, ...request }, parts);
      } catch (error) {
        this.#waiting.delete(id);
        clearTimeout(timer);
        reject(error instanceof Error ? error : new GyreError('INTERNAL', messageOf(error)));
      }
    });
  }

  #take(frame: Frame): void {
    const { id, error } = frame.header;
    const waiting = this.#waiting.get(Number(id));
    if (waiting === undefined) return;
    this.#waiting.delete(Number(id));
    clearTimeout(waiting.timer);
    if (error === undefined) waiting.resolve(frame);
    else waiting.reject(errorOf(error));
  }

  #heard(line: string): void {
    this.#lastWords = [...this.#lastWords.slice(-4), line];
    this.#start.onLine(line);
  }

  #lastWord(): string {
    const word = this.#lastWords.findLast((line) => line.trim() !== '');
    return word === undefined ? '' : `: ${word.trim()}`;
  }

  #gone(): GyreError {
    return new GyreError('UNAVAILABLE', `the Python process of the model is gone: ${this.death}`);
  }

  #end(onEnd: () => void): void {
    clearInterval(this.#pinging);
    // What the model's code started and left behind.
    signalGroup(this.#child.pid);
    this.#socket.destroy();
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject, timer } of waiting) {
      clearTimeout(timer);
      reject(this.#gone());
    }
    this.#ended.resolve();
    onEnd();
  }
}

function signalGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, 'SIGKILL');
  } catch (error) {
    const gone = error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM');
    if (!gone) throw error;
  }
}

function errorOf(error: unknown): GyreError {
  const said: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined;
  const code: ErrorCode = errorCodes.find((known) => known === said) ?? 'INTERNAL';
  return new GyreError(code, textIn(error, 'message'));
}

function factsOf(ok: unknown): RunnerFacts {
  const classes: unknown = memberOf(ok, 'classes');
  const libraries: unknown = memberOf(ok, 'libraries');
  return {
    python: textIn(ok, 'python'),
    libraries:
      typeof libraries === 'object' && libraries !== null
        ? Object.fromEntries(Object.entries(libraries).map(([name, version]) => [name, String(version)]))
        : {},
    ...(Array.isArray(classes) ? { classes: classes.map(String) } : {}),
  };
}

function textIn(value: unknown, name: string): string {
  const member = memberOf(value, name);
  return typeof member === 'string' ? member : '';
}

function numberIn(value: unknown, name: string): number {
  const member = memberOf(value, name);
  return typeof member === 'number' ? member : 0;
}
