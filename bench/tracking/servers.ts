/** The servers that are compared: ours, MLflow's as it is shipped and without its stall, and one that only answers. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const root = resolve(import.meta.dirname, '../..');
export const python = join(process.env['GYRE_BENCH_VENV'] ?? join(root, '.venv'), 'bin/python');

export interface Server extends AsyncDisposable {
  readonly name: string;
  readonly address: string;
  readonly token?: string;
  readonly pid: number;
  /** From its start to its first 200. */
  readonly readyMs: number;
}

/** @param database a postgres:// address, or nothing for SQLite in the folder */
export async function startGyre(folder: string, projectFolder: string, database?: string): Promise<Server> {
  const port = await freePort();
  const data = join(folder, 'gyre');
  const server = await start('gyre', port, [join(root, 'gyre'), 'up', '--port', String(port), '--data', data], projectFolder, {
    GYRE_LOG_LEVEL: 'error',
    ...(database === undefined ? {} : { GYRE_DATABASE: database }),
  });
  return { ...server, token: readFileSync(join(data, 'secrets', 'owner-token'), 'utf8').trim() };
}

/** @param database an address as SQLAlchemy takes it */
export async function startMlflow(folder: string, database: string, shipped: boolean): Promise<Server> {
  const port = await freePort();
  mkdirSync(folder, { recursive: true });
  const words = ['-m', 'mlflow', 'server', '--port', String(port), '--backend-store-uri', database];
  return start(
    shipped ? 'mlflow as shipped' : 'mlflow',
    port,
    [python, ...words, '--artifacts-destination', join(folder, 'artifacts')],
    folder,
    {
      MLFLOW_DISABLE_TELEMETRY: 'true',
      ...(shipped ? {} : { PYTHONPATH: join(import.meta.dirname, 'nodelay') }),
    },
  );
}

/** Answers what it was told to answer, and does nothing else: what HTTP costs here. */
export async function startFloor(folder: string): Promise<Server> {
  const port = await freePort();
  const script = join(folder, 'floor.cjs');
  writeFileSync(
    script,
    `const answers = new Map();
     require('node:http').createServer((request, response) => {
       const chunks = [];
       request.on('data', (chunk) => chunks.push(chunk));
       request.on('end', () => {
         const key = request.method + ' ' + request.url.split('?', 1)[0];
         if (request.method === 'PATCH' && request.url === '/record') {
           const [name, answer] = JSON.parse(Buffer.concat(chunks));
           answers.set(name, Buffer.from(answer, 'base64'));
         }
         const answer = answers.get(key) ?? Buffer.from('{}');
         response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length });
         response.end(answer);
       });
     }).listen(${port}, '127.0.0.1');`,
  );
  return start('floor', port, [process.execPath, script], folder, {});
}

async function start(
  name: string,
  port: number,
  [command, ...words]: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<Server> {
  const startedMs = performance.now();
  // A group of its own: MLflow's workers do not end with their parent.
  const child = spawn(command, words, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'], detached: true });
  let said = '';
  child.stderr.on('data', (text: Buffer) => (said = (said + text.toString()).slice(-4000)));
  const address = `http://127.0.0.1:${port}`;
  while (!(await isReady(address))) {
    const isLate = performance.now() - startedMs > 180_000;
    if (child.exitCode !== null || isLate) {
      await end(child);
      throw new Error(`${name} ${isLate ? 'is not ready after three minutes' : 'ended before it was ready'}: ${said}`);
    }
    await sleep(5);
  }
  return { name, address, pid: child.pid ?? 0, readyMs: performance.now() - startedMs, [Symbol.asyncDispose]: () => end(child) };
}

async function isReady(address: string): Promise<boolean> {
  try {
    const response = await fetch(`${address}/health`, { signal: AbortSignal.timeout(1000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

async function end(child: ChildProcess): Promise<void> {
  const ended = child.exitCode === null ? new Promise((done) => child.once('close', done)) : undefined;
  signal(child, 'SIGTERM');
  const force = setTimeout(() => signal(child, 'SIGKILL'), 10_000);
  await ended;
  clearTimeout(force);
  signal(child, 'SIGKILL');
}

function signal(child: ChildProcess, kind: NodeJS.Signals): void {
  try {
    process.kill(-(child.pid ?? 0), kind);
  } catch {
    // It has ended.
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}

/** MiB of memory of a process and all that it started; what several share is counted once (PSS). Needs Linux. */
export function memoryMib(pid: number): number {
  return sumOverTree(pid, (one) => Number(/^Pss:\s+(\d+)/m.exec(readProc(`${one}/smaps_rollup`))?.[1] ?? 0) / 1024);
}

/** Resolves when servers have done what goes on behind their first answer: MLflow's workers load for long after it. */
export async function settled(servers: readonly Server[]): Promise<void> {
  const spent = (): number => servers.reduce((sum, { pid }) => sum + sumOverTree(pid, ticksOf), 0);
  for (let turn = 0, before = spent(); turn < 60; turn++) {
    await sleep(2000);
    const now = spent();
    // A hundred ticks are a second of a processor.
    if (now - before < 10) return;
    before = now;
  }
}

/** The time that a process has been at work, in ticks. */
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

/** MiB that a process has had at most since `forgetPeak`. */
export function peakMib(pid: number): number {
  return Number(/^VmHWM:\s+(\d+)/m.exec(readProc(`${pid}/status`))?.[1] ?? 0) / 1024;
}

export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** Processes end while they are looked at. */
function readProc(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, 'utf8');
  } catch {
    return '';
  }
}
