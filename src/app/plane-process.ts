import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { GyreError } from '#core';

/** How a data plane's process is started. */
export interface PlaneCommand {
  /** The program and its arguments. */
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Each line that the process writes to its error stream. */
  readonly onLog: (line: string) => void;
  /** The process ended without being asked to. */
  readonly onExit: (code: number | null) => void;
}

type Answer = Readonly<Record<string, unknown>>;

/** A running data plane, spoken to over its control pipe (see `#serving`, `serveControl`). */
export interface PlaneProcess {
  readonly address: string;
  readonly pid: number;
  /** @throws GyreError UNAVAILABLE when the process ends before it answers */
  ask(op: 'reload' | 'flush' | 'stats' | 'drain', manifest?: string): Promise<Answer>;
  /** Lets it finish what is under way, then ends it. */
  stop(): Promise<void>;
}

/**
 * Starts a data plane and waits until it says that it is ready.
 * @throws GyreError FAILED_PRECONDITION with its own words when it ends instead
 */
export async function startPlane(options: PlaneCommand): Promise<PlaneProcess> {
  const child = spawn(options.command, [...options.args], { stdio: ['pipe', 'pipe', 'pipe'], env: options.env });
  const waiting = new Map<number, { resolve: (answer: Answer) => void; reject: (error: Error) => void }>();
  const lastWords: string[] = [];
  let stopping = false;
  let count = 0;
  createInterface({ input: child.stderr }).on('line', (line) => {
    lastWords.push(line);
    if (lastWords.length > 20) lastWords.shift();
    options.onLog(line);
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', (code) => {
      for (const { reject } of waiting.values()) reject(new GyreError('UNAVAILABLE', `the data plane ended (exit code ${code})`));
      waiting.clear();
      if (!stopping) options.onExit(code);
      resolve();
    });
  });
  const address = await new Promise<string>((resolve, reject) => {
    const refuse = (): void =>
      reject(
        new GyreError('FAILED_PRECONDITION', `the data plane did not start: ${lastWords.at(-1) ?? 'it said nothing'}`, { said: lastWords }),
      );
    child.once('error', refuse);
    child.once('exit', refuse);
    createInterface({ input: child.stdout }).on('line', (line) => {
      const said = JSON.parse(line) as Answer;
      if (said['event'] === 'ready') {
        child.off('exit', refuse);
        resolve(String(said['address']));
      }
      const asked = waiting.get(Number(said['id']));
      waiting.delete(Number(said['id']));
      asked?.resolve(said);
    });
  });
  const ask: PlaneProcess['ask'] = (op, manifest) =>
    new Promise((resolve, reject) => {
      if (hasEnded(child)) {
        reject(new GyreError('UNAVAILABLE', 'the data plane has ended'));
        return;
      }
      const id = ++count;
      waiting.set(id, { resolve, reject });
      child.stdin.write(`${JSON.stringify({ id, op, ...(manifest === undefined ? {} : { manifest }) })}\n`);
    });
  child.stdin.on('error', () => undefined);
  return {
    address,
    pid: child.pid ?? 0,
    ask,
    stop: async () => {
      stopping = true;
      if (!hasEnded(child)) child.kill('SIGTERM');
      await ended;
    },
  };
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
