/** A data plane as `gyre up` starts it: told what to serve over its control pipe. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const entry = join(resolve(import.meta.dirname, '../..'), 'src/app/inference-main.ts');

type Said = Readonly<Record<string, unknown>>;

export interface ControlledPlane extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  /** To what was loaded before it. */
  send(message: object): void;
  /** @returns what it answers */
  ask(command: object): Promise<Said>;
  signal(name: NodeJS.Signals): void;
  /** Settles with its exit code. */
  readonly ended: Promise<number | null>;
}

export interface PlaneAddition {
  /** A module that is loaded before the data plane, in its process. */
  readonly file: string;
  /** Told what it sends. */
  readonly onMessage: (message: unknown) => void;
}

/** @param words beside `--control` and the port @param at 0: a free port */
export async function controlledPlane(words: readonly string[], at = 0, addition?: PlaneAddition): Promise<ControlledPlane> {
  const given = ['--port', String(at), '--grpc-port', 'off', '--control', '--log-level', 'error'];
  const before = addition === undefined ? [] : ['--import', addition.file];
  const child: ChildProcess = spawn(process.execPath, [...before, entry, ...words, ...given], {
    stdio: ['pipe', 'pipe', 'inherit', ...(addition === undefined ? [] : (['ipc'] as const))],
  });
  if (addition !== undefined) child.on('message', addition.onMessage);
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error('the data plane has no pipes');
  const waiting = new Map<number, (said: Said) => void>();
  const ready = Promise.withResolvers<Said>();
  const ended = once(child, 'exit').then(([code]) => (typeof code === 'number' ? code : null));
  void ended.then((code) => ready.reject(new Error(`the data plane ended with ${code} before it was ready`)));
  createInterface({ input: stdout }).on('line', (line) => {
    const said = JSON.parse(line) as Said;
    if (said['event'] === 'ready') ready.resolve(said);
    waiting.get(Number(said['id']))?.(said);
    waiting.delete(Number(said['id']));
  });
  let count = 0;
  const address = String((await ready.promise)['address']);
  return {
    port: Number(new URL(address).port),
    pid: child.pid ?? 0,
    ask: (command) =>
      new Promise((answer) => {
        const id = ++count;
        waiting.set(id, answer);
        stdin.write(`${JSON.stringify({ id, ...command })}\n`);
      }),
    send: (message) => void child.send(message),
    signal: (name) => child.kill(name),
    ended,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
