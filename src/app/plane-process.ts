import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { GyreError, messageOf } from '#core';

/** How a data plane's process is started. */
export interface PlaneCommand {
  /** The program and its arguments. */
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Each line that the process writes to its error stream. */
  readonly onLog: (line: string) => void;
  /** The process, once it was ready, ended without being asked to. */
  readonly onExit: (code: number | null) => void;
  /** A start that takes longer has failed. Default 30,000. */
  readonly startTimeoutMs?: number;
  /** A command that is not answered for so long: the process is ended by force, since nobody knows what it serves. Default 60,000. */
  readonly answerTimeoutMs?: number;
  /** What is under way when it is stopped gets so long. Default 10,000. */
  readonly stopTimeoutMs?: number;
}

type Answer = Readonly<Record<string, unknown>>;

/** A running data plane, spoken to over its control pipe (see `#serving`, `serveControl`). */
export interface PlaneProcess {
  readonly address: string;
  /** Where it answers gRPC. */
  readonly grpcAddress?: string;
  readonly pid: number;
  /**
   * @param reload the manifest's file, and whether it may be an older one
   * @throws GyreError UNAVAILABLE when the process ends before it answers, or was ended because it did not
   */
  ask(op: 'reload' | 'flush' | 'stats' | 'drain', reload?: { readonly manifest: string; readonly back: boolean }): Promise<Answer>;
  /** Lets it finish what is under way, then ends it; by force when that takes too long. */
  stop(): Promise<void>;
}

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * Starts a data plane and waits until it says that it is ready.
 * @throws GyreError FAILED_PRECONDITION with its own words when it ends instead; UNAVAILABLE when it cannot be run or says nothing in time
 */
export async function startPlane(options: PlaneCommand): Promise<PlaneProcess> {
  const { startTimeoutMs = 30_000, answerTimeoutMs = 60_000, stopTimeoutMs = 10_000 } = options;
  const child = spawn(options.command, [...options.args], { stdio: ['pipe', 'pipe', 'pipe'], env: options.env });
  const waiting = new Map<number, Waiting>();
  const lastWords: string[] = [];
  let failed: Answer | undefined;
  let ready = false;
  let stopping = false;
  let count = 0;
  createInterface({ input: child.stderr }).on('line', (line) => {
    lastWords.push(line);
    if (lastWords.length > 20) lastWords.shift();
    options.onLog(line);
  });
  child.stdin.on('error', () => undefined);
  const ended = new Promise<void>((resolve) => {
    child.once('exit', (code) => {
      for (const { reject, timer } of waiting.values()) {
        clearTimeout(timer);
        reject(new GyreError('UNAVAILABLE', `the data plane ended (${code === null ? `by ${child.signalCode}` : `exit code ${code}`})`));
      }
      waiting.clear();
      if (ready && !stopping) options.onExit(code);
      resolve();
    });
  });
  const said = await new Promise<Answer>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new GyreError('UNAVAILABLE', `the data plane did not start within ${startTimeoutMs} ms`, { said: lastWords }));
    }, startTimeoutMs);
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(new GyreError('UNAVAILABLE', `the data plane could not be run: ${messageOf(error)}`, {}, { cause: error }));
    });
    // Not `exit`: what it said last may still be in the pipes then.
    child.once('close', () => {
      clearTimeout(timer);
      reject(startFailure(failed, lastWords));
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      const said = parseLine(line);
      if (said === undefined) {
        options.onLog(line);
        return;
      }
      if (said['event'] === 'failed') failed = said;
      if (said['event'] === 'ready') {
        clearTimeout(timer);
        ready = true;
        resolve(said);
      }
      const asked = waiting.get(Number(said['id']));
      if (asked === undefined) return;
      waiting.delete(Number(said['id']));
      clearTimeout(asked.timer);
      asked.resolve(said);
    });
  });
  const ask: PlaneProcess['ask'] = (op, reload) =>
    new Promise((resolve, reject) => {
      if (hasEnded(child)) {
        reject(new GyreError('UNAVAILABLE', 'the data plane has ended'));
        return;
      }
      const id = ++count;
      const timer = setTimeout(() => {
        waiting.delete(id);
        child.kill('SIGKILL');
        reject(new GyreError('UNAVAILABLE', `the data plane did not answer "${op}" within ${answerTimeoutMs} ms and was ended`));
      }, answerTimeoutMs);
      waiting.set(id, { resolve, reject, timer });
      child.stdin.write(`${JSON.stringify({ id, op, ...reload })}\n`);
    });
  const grpcAddress = said['grpcAddress'];
  return {
    address: String(said['address']),
    ...(typeof grpcAddress === 'string' ? { grpcAddress } : {}),
    pid: child.pid ?? 0,
    ask,
    stop: async () => {
      stopping = true;
      if (!hasEnded(child)) child.kill('SIGTERM');
      const force = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
      await ended;
      clearTimeout(force);
    },
  };
}

function startFailure(failed: Answer | undefined, lastWords: readonly string[]): GyreError {
  const reason = failed === undefined ? (lastWords.at(-1) ?? 'it said nothing') : String(failed['reason']);
  return new GyreError('FAILED_PRECONDITION', `the data plane did not start: ${reason}`, { said: lastWords });
}

/** @returns undefined for what is no JSON object: a library that prints is no reason to end */
function parseLine(line: string): Answer | undefined {
  try {
    const said: unknown = JSON.parse(line);
    return typeof said === 'object' && said !== null ? { ...said } : undefined;
  } catch {
    return undefined;
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
