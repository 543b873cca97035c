/** Servers as processes of a benchmark: started in a group of their own, ready when they answer, ended with all that they started. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Running extends AsyncDisposable {
  readonly pid: number;
  /** From its start to its first 200. */
  readonly readyMs: number;
}

export interface Start {
  /** What messages call it. */
  readonly name: string;
  readonly command: readonly string[];
  /** Answers 200 when it is ready. */
  readonly readyUrl: string;
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** @throws Error with the last that it said, when it ends or is not ready after three minutes */
export async function startProcess({ name, command: [program, ...words], readyUrl, cwd, env = {} }: Start): Promise<Running> {
  const startedMs = performance.now();
  // A group of its own: workers do not always end with their parent.
  const child = spawn(program, words, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let said = '';
  for (const output of [child.stdout, child.stderr]) output.on('data', (text: Buffer) => (said = (said + text.toString()).slice(-4000)));
  let failed: Error | undefined;
  child.once('error', (error) => (failed = error));
  while (!(await isReady(readyUrl))) {
    const isLate = performance.now() - startedMs > 180_000;
    if (failed !== undefined || child.exitCode !== null || child.signalCode !== null || isLate) {
      await endProcess(child);
      throw new Error(`${name} ${isLate ? 'is not ready after three minutes' : 'ended before it was ready'}: ${failed?.message ?? said}`);
    }
    await sleep(5);
  }
  return { pid: child.pid ?? 0, readyMs: performance.now() - startedMs, [Symbol.asyncDispose]: () => endProcess(child) };
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(1000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

/** Ends a process and the rest of its group: first asked to, after ten seconds made to. */
export async function endProcess(child: ChildProcess): Promise<void> {
  const isRunning = child.pid !== undefined && child.exitCode === null && child.signalCode === null;
  const ended = isRunning ? new Promise((done) => child.once('close', done)) : undefined;
  signal(child, 'SIGTERM');
  const force = setTimeout(() => signal(child, 'SIGKILL'), 10_000);
  await ended;
  clearTimeout(force);
  signal(child, 'SIGKILL');
}

function signal({ pid }: ChildProcess, kind: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, kind);
  } catch {
    // It has ended.
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}

/** Seconds that a process and all that it started have been at work, of those that still run. Needs Linux. */
export function cpuSeconds(pid: number): number {
  // A hundred ticks are a second of a processor.
  return sumOverTree(pid, ticksOf) / 100;
}

/** MiB of memory of a process and all that it started; what several share is counted once (PSS). Needs Linux. */
export function memoryMib(pid: number): number {
  return sumOverTree(pid, (one) => Number(/^Pss:\s+(\d+)/m.exec(readProc(`${one}/smaps_rollup`))?.[1] ?? 0) / 1024);
}

function ticksOf(pid: number): number {
  const [, rest = ''] = /\) (.*)/.exec(readProc(`${pid}/stat`)) ?? [];
  const fields = rest.split(' ');
  return Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
}

function sumOverTree(pid: number, of: (pid: number) => number): number {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = Number(/^PPid:\s+(\d+)/m.exec(readProc(`${name}/status`))?.[1] ?? 0);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const sum = (one: number): number => of(one) + (children.get(one) ?? []).reduce((total, child) => total + sum(child), 0);
  return sum(pid);
}

/** Processes end while they are looked at. */
export function readProc(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, 'utf8');
  } catch {
    return '';
  }
}
