/** The whole program as its user has it: a process, words on a command line, lines on its output, HTTP. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export const repository = join(import.meta.dirname, '../..');
/** What Node runs as `gyre`. */
export const program = process.env.GYRE_TEST_PROGRAM ?? join(repository, 'src/edge/cli/main.ts');

export interface Place {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Runs the program by the launcher, as a person does. */
  readonly launcher?: boolean;
  /** The command and its first words by which it is run somewhere else, such as in a network namespace. */
  readonly within?: readonly string[];
}

export interface Ended {
  /** The exit code; null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process of gyre while it runs. */
export interface Running extends AsyncDisposable {
  readonly pid: number;
  readonly lines: readonly string[];
  readonly ended: Promise<Ended>;
  /** What standard error has said until now. */
  readonly errors: () => string;
  /** The first line of standard output that matches. @throws when the process ends without one */
  line(pattern: RegExp): Promise<RegExpExecArray>;
  kill(signal: NodeJS.Signals): void;
  send(text: string): void;
}

/** What a test changes on purpose: settings of the machine's user do not count. */
function environmentOf(env: Place['env'] = {}): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('GYRE_') && name !== 'NODE_TEST_CONTEXT');
  return { ...Object.fromEntries(own), NO_COLOR: '1', GYRE_LOG_LEVEL: 'error', ...env };
}

export function start(words: readonly string[], place: Place): Running {
  const own = place.launcher === true ? [join(repository, 'gyre')] : [process.execPath, program];
  const [command, ...first] = [...(place.within ?? []), ...own];
  const child: ChildProcess = spawn(command, [...first, ...words], { cwd: place.cwd, env: environmentOf(place.env), stdio: 'pipe' });
  const { stdin, stdout, stderr } = child;
  assert.ok(stdin !== null && stdout !== null && stderr !== null);
  stdin.on('error', () => undefined);
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  let said = '';
  let failed = '';
  let over = false;
  createInterface({ input: stdout }).on('line', (line) => {
    lines.push(line);
    for (const look of waiting) look();
  });
  stdout.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
  stderr.on('data', (chunk: Buffer) => (failed += chunk.toString('utf8')));
  const ended = once(child, 'close').then((how): Ended => {
    over = true;
    for (const look of waiting) look();
    const [code, signal] = how as [number | null, NodeJS.Signals | null];
    return { code, signal, stdout: said, stderr: failed };
  });
  return {
    pid: child.pid ?? 0,
    lines,
    ended,
    errors: () => failed,
    kill: (signal) => void child.kill(signal),
    send: (text) => void stdin.write(text),
    line: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = lines.map((line) => pattern.exec(line)).find((match) => match !== null);
          if (found === undefined && !over) return;
          waiting.delete(look);
          if (found !== undefined) resolve(found);
          else reject(new Error(`gyre ${words.join(' ')} ended without saying ${String(pattern)}:\n${said}${failed}`));
        };
        waiting.add(look);
        look();
      }),
    [Symbol.asyncDispose]: async () => {
      if (!over) child.kill('SIGTERM');
      const force = setTimeout(() => child.kill('SIGKILL'), 20_000);
      await ended;
      clearTimeout(force);
    },
  };
}

/** Runs a verb to its end. */
export function gyre(words: readonly string[], place: Place): Promise<Ended> {
  const running = start(words, place);
  running.send('');
  return running.ended;
}

/** Runs a verb that must end well. @returns its output */
export async function done(words: readonly string[], place: Place): Promise<string> {
  const ended = await gyre(words, place);
  assert.equal(ended.code, 0, `gyre ${words.join(' ')}: ${ended.code ?? ended.signal}\n${ended.stderr}${ended.stdout}`);
  return ended.stdout;
}

/** What a verb says with `--json`. */
export async function facts<T>(words: readonly string[], place: Place): Promise<T> {
  return JSON.parse(await done([...words, '--json'], place)) as T;
}

/** `gyre up` on a free port, ready. */
export interface Up extends AsyncDisposable {
  readonly running: Running;
  readonly address: string;
  readonly dataFolder: string;
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body?: unknown): Promise<{ readonly status: number; readonly body: T }>;
  /** Ctrl-C, and its end. */
  stop(): Promise<Ended>;
}

export async function up(place: Place, words: readonly string[] = []): Promise<Up> {
  const running = start(['up', '--port', '0', ...words], place);
  const [, address, dataFolder] = await running.line(/up at (\S+), data in (.*)$/);
  const token = (await readFile(join(dataFolder, 'secrets', 'owner-token'), 'utf8')).trim();
  return {
    running,
    address,
    dataFolder,
    ...caller(address, token),
    stop: () => {
      running.kill('SIGINT');
      return running.ended;
    },
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}

/** Somebody with a token. */
export function caller(address: string, token: string): Pick<Up, 'get' | 'post'> {
  const call = async (method: string, path: string, body?: unknown): Promise<{ readonly status: number; readonly body: unknown }> => {
    const response = await fetch(`${address}/api/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  };
  return {
    get: async <T>(path: string) => {
      const { status, body } = await call('GET', path);
      assert.equal(status, 200, `${path}: ${JSON.stringify(body)}`);
      return body as T;
    },
    post: async <T>(path: string, body: unknown = {}) => {
      const answer = await call('POST', path, body);
      return { status: answer.status, body: answer.body as T };
    },
  };
}

/** A folder for as long as a test lasts. */
export async function temporaryFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'gyre-e2e-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }) };
}

/** The most memory that a process has held, bytes. */
export async function peakBytes(pid: number): Promise<number> {
  return Number(/VmHWM:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Waits for what another process does, looking every few milliseconds. */
export async function eventually(what: string, look: () => boolean | Promise<boolean>, withinMs = 20_000): Promise<void> {
  const limit = performance.now() + withinMs;
  while (!(await look())) {
    assert.ok(performance.now() < limit, `still not so after ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
