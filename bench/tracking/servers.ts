/** The servers that are compared: ours, MLflow's as it is shipped and without its stall, and one that only answers. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuSeconds, freePort, readProc, type Running, startProcess } from '../common/process.ts';

const root = resolve(import.meta.dirname, '../..');
export const python = join(process.env['GYRE_BENCH_VENV'] ?? join(root, '.venv'), 'bin/python');

export interface Server extends Running {
  readonly name: string;
  readonly address: string;
  readonly token?: string;
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
  command: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<Server> {
  const address = `http://127.0.0.1:${port}`;
  return { name, address, ...(await startProcess({ name, command, readyUrl: `${address}/health`, cwd, env })) };
}

/** Resolves when servers have done what goes on behind their first answer: MLflow's workers load for long after it. */
export async function settled(servers: readonly Server[]): Promise<void> {
  const spent = (): number => servers.reduce((sum, { pid }) => sum + cpuSeconds(pid), 0);
  for (let turn = 0, before = spent(); turn < 60; turn++) {
    await sleep(2000);
    const now = spent();
    if (now - before < 0.1) return;
    before = now;
  }
}

/** MiB that a process has had at most since `forgetPeak`. */
export function peakMib(pid: number): number {
  return Number(/^VmHWM:\s+(\d+)/m.exec(readProc(`${pid}/status`))?.[1] ?? 0) / 1024;
}

export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}
