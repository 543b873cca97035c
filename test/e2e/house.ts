import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Identity, IssuedToken, PipelineRun } from '#contract';
import { seeded } from '#core';
import { program } from '../harness/gyre-fixture.ts';

export interface ProjectOptions {
  /** What the charter asks for. */
  readonly accuracy?: string;
  readonly latencyP99Ms?: number;
  /** How versions come to production; default: at once. */
  readonly roll?: string;
}

/** A project that is built in a second: 400 customers made from a seed, a logistic regression, no search. */
export function projectText({ accuracy = '>= 0.6', latencyP99Ms = 2000, roll }: ProjectOptions = {}): string {
  return `project: shop
charter:
  problem: Who buys again?
  owner: Test
  success: { accuracy: "${accuracy}" }
data:
  customers: { source: customers.csv, key: id, target: again, split: { parts: { train: 0.5, validation: 0.2, test: 0.3 } } }
steps:
  prepare: { of: customers, target: again, positive: "yes", transform: { exclude: [id], numeric: { impute: median, scale: standard }, categorical: { encode: one_hot } } }
  logistic: { trainer: logistic, of: prepare, metric: accuracy }
release:
  environments: { test: { certify: qa }, production: { approve: approver${roll === undefined ? '' : `, roll: ${roll}`} } }
  tests: { latencyP99Ms: ${latencyP99Ms}, requestsPerSecond: 20, durationMs: 300 }
serve: { endpoint: shop }
`;
}

/** @param seed another one makes other customers @param lean how many more of them buy again */
export function customers(seed = 11, lean = 0): string {
  const random = seeded(seed);
  const lines = ['id,visits,spent,channel,again'];
  for (let row = 0; row < 400; row++) {
    const visits = random.int(20);
    const spent = Math.round(10_000 * random.next()) / 100;
    const channel = ['web', 'shop', 'phone'][random.int(3)];
    const margin = visits / 5 - 2 + lean + (channel === 'web' ? 1 : -0.5) + random.normal();
    lines.push(`c${row},${visits},${spent},${channel},${margin > 0 ? 'yes' : 'no'}`);
  }
  return `${lines.join('\n')}\n`;
}

export interface Answer<T = unknown> {
  readonly status: number;
  readonly body: T;
}

export interface Refused {
  readonly code: string;
  readonly detail: string;
}

export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Somebody who calls the API, or the command line. */
export interface Person {
  readonly identity: Identity;
  get<T>(path: string): Promise<T>;
  post<T = Refused>(path: string, body?: unknown): Promise<Answer<T>>;
  /** As an MLflow client does. @param path such as `registered-models/alias` */
  mlflow<T = Record<string, unknown>>(path: string, body: unknown): Promise<Answer<T>>;
  cli(...args: string[]): Promise<CliResult>;
}

/** `gyre up` in a process of its own, over a project in a temporary folder. */
export interface RunningHouse extends AsyncDisposable {
  readonly folder: string;
  readonly address: string;
  readonly owner: Person;
  person(name: string, roles: readonly Identity['roles'][number][]): Promise<Person>;
  /** Builds the project: data to registered version. @returns the version's id */
  build(by: Person): Promise<string>;
  /** Ends the process at once and starts another over the same folder. */
  killAndRestart(): Promise<void>;
}

export async function openHouse(options: ProjectOptions = {}): Promise<RunningHouse> {
  const folder = await mkdtemp(join(tmpdir(), 'gyre-e2e-'));
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'gyre.yaml'), projectText(options));
  await writeFile(join(folder, 'customers.csv'), customers());
  let server = await start(folder);
  const token = (await readFile(join(folder, '.gyre', 'secrets', 'owner-token'), 'utf8')).trim();
  const personOf = (identity: Identity, secret: string): Person => {
    const call = async (method: string, path: string, body?: unknown, api = 'api/v1'): Promise<Answer<never>> => {
      const response = await fetch(`${server.address}/${api}/${path}`, {
        method,
        headers: { authorization: `Bearer ${secret}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: (await response.json()) as never };
    };
    return {
      identity,
      get: async (path) => {
        const { status, body } = await call('GET', path);
        assert.equal(status, 200, `${path}: ${JSON.stringify(body)}`);
        return body;
      },
      post: (path, body) => call('POST', path, body),
      mlflow: (path, body) => call('POST', path, body, 'api/2.0/mlflow'),
      cli: (...args) => runCli(folder, secret, args),
    };
  };
  const { identity } = (await fetch(`${server.address}/api/v1/whoami`, { headers: { authorization: `Bearer ${token}` } }).then((response) =>
    response.json(),
  )) as { identity: Identity };
  const owner = personOf(identity, token);
  return {
    folder,
    get address() {
      return server.address;
    },
    owner,
    person: async (name, roles) => {
      const made = await owner.post<Identity>('identities', { name, roles });
      assert.equal(made.status, 201, JSON.stringify(made.body));
      const issued = await owner.post<IssuedToken>(`identities/${made.body.id}/tokens`, { label: 'test' });
      assert.equal(issued.status, 201, JSON.stringify(issued.body));
      return personOf(made.body, issued.body.secret);
    },
    build: async (by) => {
      const submitted = await by.post<PipelineRun>('pipeline-runs', { reason: 'the test asks for it' });
      assert.ok(submitted.status < 300, JSON.stringify(submitted.body));
      for (;;) {
        const run = await by.get<PipelineRun>(`pipeline-runs/${submitted.body.id}`);
        if (run.endedAt === undefined) {
          await new Promise((resolve) => setTimeout(resolve, 50));
          continue;
        }
        assert.equal(run.state, 'succeeded', JSON.stringify(run.steps.map(({ step, error }) => [step, error])));
        return String(run.steps.find(({ step }) => step === 'register')?.outputs?.['modelVersion']);
      }
    },
    killAndRestart: async () => {
      await ended(server.child, 'SIGKILL');
      server = await start(folder);
    },
    [Symbol.asyncDispose]: async () => {
      await ended(server.child, 'SIGTERM');
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}

async function start(folder: string): Promise<{ readonly child: ChildProcess; readonly address: string }> {
  const child = spawn(process.execPath, [program, 'up', '--port', '0'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, GYRE_LOG_LEVEL: 'error' },
  });
  const said: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => said.push(line));
  const address = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`gyre up ended with ${code}: ${said.join('\n')}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const found = /https?:\/\/127\.0\.0\.1:\d+/.exec(line);
      if (found !== null) resolve(found[0]);
    });
  });
  return { child, address };
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await exit;
}

function runCli(folder: string, token: string, args: readonly string[]): Promise<CliResult> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [program, ...args],
      { cwd: folder, env: { ...process.env, GYRE_TOKEN: token, NO_COLOR: '1' } },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}
