/**
 * Requests per second of the data plane on a small tabular model, beside a bare node:http server that reads the body and answers as many
 * bytes without doing anything: the floor of HTTP on this machine, in the same run, rounds interleaved. Validation, ids, metrics and the
 * prediction log are on. Beside other servers it is measured by bench/serving.ts.
 * node bench/serve.ts [seconds per measurement]
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { samplePackage, writeSampleFolder } from '#serving';

const seconds = Number(process.argv[2] ?? 2);
const root = join(import.meta.dirname, '..');

interface Server {
  readonly port: number;
  readonly process: ChildProcess;
}

async function start(args: readonly string[]): Promise<Server> {
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  for await (const chunk of child.stdout) {
    const { address } = JSON.parse(String(chunk)) as { readonly address: string };
    child.stdout.resume();
    return { port: Number(new URL(address).port), process: child };
  }
  throw new Error(`${args.join(' ')} ended before it was ready`);
}

/** @param answerBytes size of the answer that the plane gives */
const floorOf = (answerBytes: number): string => `
  const { createServer } = require('node:http');
  const answer = Buffer.alloc(${answerBytes}, 32);
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => { response.writeHead(200, ['content-type', 'application/json', 'content-length', String(answer.length)]); response.end(answer); });
  });
  server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ address: 'http://127.0.0.1:' + server.address().port })));
  process.stdin.on('end', () => process.exit()).resume();`;

const row = { tenure: 12, charges: 70.5, senior: false, contract: 'One year' };
const named = { path: '/predict/churn', body: JSON.stringify({ rows: [row] }) };
const tensors = {
  path: '/v2/models/churn/infer',
  body: JSON.stringify({
    inputs: [
      { name: 'tenure', datatype: 'FP64', shape: [1, 1], data: [12] },
      { name: 'charges', datatype: 'FP64', shape: [1, 1], data: [70.5] },
      { name: 'senior', datatype: 'FP64', shape: [1, 1], data: [0] },
      { name: 'contract', datatype: 'BYTES', shape: [1, 1], data: ['One year'] },
    ],
  }),
};

interface Figures {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** One request in flight on each of some kept connections, for a while. Every answer must be a 200. */
async function load(port: number, { path, body }: typeof named, connections: number): Promise<Figures> {
  const bytes = Buffer.from(
    `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  const times: number[] = [];
  const startedMs = performance.now();
  const endMs = startedMs + seconds * 1000;
  const run = (): Promise<void> =>
    new Promise((resolve, reject) => {
      let sentMs = 0;
      let expected = -1;
      let received = 0;
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      const send = (): void => {
        sentMs = performance.now();
        expected = -1;
        received = 0;
        socket.write(bytes);
      };
      socket.on('connect', send);
      socket.on('error', reject);
      socket.on('data', (data: Buffer) => {
        if (expected < 0) {
          const head = data.toString('latin1');
          if (!head.startsWith('HTTP/1.1 200')) {
            reject(new Error(head));
            return;
          }
          expected = head.indexOf('\r\n\r\n') + 4 + Number(/content-length: (\d+)/i.exec(head)?.[1]);
        }
        received += data.length;
        if (received < expected) return;
        const nowMs = performance.now();
        times.push(nowMs - sentMs);
        if (nowMs < endMs) send();
        else {
          socket.destroy();
          resolve();
        }
      });
    });
  await Promise.all(Array.from({ length: connections }, run));
  times.sort((left, right) => left - right);
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))];
  return { perSecond: times.length / ((performance.now() - startedMs) / 1000), p50Ms: at(0.5), p99Ms: at(0.99) };
}

const folder = await mkdtemp(join(tmpdir(), 'gyre-bench-'));
await writeSampleFolder(join(folder, 'churn'), samplePackage());
const plane = await start([
  join(root, 'src/app/inference-main.ts'),
  '--model',
  join(folder, 'churn'),
  '--port',
  '0',
  '--control',
  '--spool',
  join(folder, 'log'),
]);
const sample = await (
  await fetch(`http://127.0.0.1:${plane.port}${named.path}`, {
    method: 'POST',
    body: named.body,
    headers: { 'content-type': 'application/json' },
  })
).text();
const floor = await start(['-e', floorOf(sample.length)]);
const contenders = [
  { name: 'node:http, no-op', port: floor.port, request: named },
  { name: 'named columns', port: plane.port, request: named },
  { name: 'OIP tensors', port: plane.port, request: tensors },
] as const;

try {
  for (const { port, request } of contenders) await load(port, request, 8);
  for (const connections of [1, 8, 64]) {
    const rounds = new Map<string, Figures[]>();
    for (let round = 0; round < 3; round++) {
      for (const { name, port, request } of contenders)
        rounds.set(name, [...(rounds.get(name) ?? []), await load(port, request, connections)]);
    }
    const middle = (name: string): Figures => (rounds.get(name) ?? []).toSorted((left, right) => left.perSecond - right.perSecond)[1];
    for (const { name } of contenders) {
      const { perSecond, p50Ms, p99Ms } = middle(name);
      const ratio = perSecond / middle(contenders[0].name).perSecond;
      console.log(
        `${String(connections).padStart(2)} connections  ${name.padEnd(18)} ${perSecond.toFixed(0).padStart(6)}/s  p50 ${p50Ms.toFixed(2)} ms  p99 ${p99Ms.toFixed(2)} ms  ${ratio.toFixed(2)} of the floor`,
      );
    }
  }
} finally {
  const ended = once(plane.process, 'exit');
  plane.process.stdin?.end();
  floor.process.stdin?.end();
  await ended;
  await rm(folder, { recursive: true, force: true });
}
