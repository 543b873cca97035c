/** A small tracking server that tests can take away, and a relay in front of it. */
import { randomInt } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#core';
import { factsOf, isFacts, listOf, textOf } from './entries.ts';
import type { Facts } from './entries.ts';
import { Relay } from './relay.ts';
import { serveRelay } from './server.ts';
import { Upstream } from './upstream.ts';

/** How the server is right now. `forgetful`: it does what is asked, and the answer never arrives. */
type Mood = 'up' | 'gone' | 'forgetful' | 'full' | 'locked';

export interface TestServer extends AsyncDisposable {
  readonly address: string;
  readonly port: number;
  mood: Mood;
  readonly runs: Map<
    string,
    { readonly tags: readonly Facts[]; readonly metrics: Facts[]; readonly name: string; readonly experiment: string }
  >;
  readonly experiments: Map<string, string>;
  readonly artifacts: Map<string, string>;
  /** Calls that had an effect, in order. */
  readonly calls: string[];
}

/** @param keepsIds whether it takes the ids that a relay gives */
export async function trackingServer(keepsIds: boolean): Promise<TestServer> {
  const state = {
    mood: 'up' as Mood,
    runs: new Map<
      string,
      { readonly tags: readonly Facts[]; readonly metrics: Facts[]; readonly name: string; readonly experiment: string }
    >(),
    experiments: new Map([['0', 'Default']]),
    artifacts: new Map<string, string>(),
    calls: [] as string[],
  };
  const runOf = (id: string): Facts | undefined => {
    const run = state.runs.get(id);
    return run === undefined
      ? undefined
      : {
          info: {
            run_id: id,
            run_name: run.name,
            experiment_id: run.experiment,
            artifact_uri: `mlflow-artifacts:/${run.experiment}/${id}/artifacts`,
          },
          data: { tags: run.tags, metrics: run.metrics },
        };
  };
  const missing = (message: string): readonly [number, Facts] => [404, { error_code: 'RESOURCE_DOES_NOT_EXIST', message }];
  const act = (method: string, url: URL, body: Facts, kept: string | undefined, text: string): readonly [number, Facts] => {
    const path = url.pathname.replace(/^\/api\/\d\.0/, '');
    if (path.startsWith('/mlflow-artifacts/artifacts/') && method === 'PUT') {
      state.artifacts.set(path.slice('/mlflow-artifacts/artifacts/'.length), text);
      return [200, {}];
    }
    const run = state.runs.get(textOf(body['run_id']) ?? '');
    switch (path) {
      case '/mlflow/experiments/get-by-name': {
        const found = [...state.experiments].find(([, name]) => name === url.searchParams.get('experiment_name'));
        return found === undefined
          ? missing('no such experiment')
          : [200, { experiment: { experiment_id: found[0], name: found[1], artifact_location: `mlflow-artifacts:/${found[0]}` } }];
      }
      case '/mlflow/experiments/create': {
        const name = textOf(body['name']) ?? '';
        if ([...state.experiments.values()].includes(name)) return [400, { error_code: 'RESOURCE_ALREADY_EXISTS', message: 'it exists' }];
        const id = String(state.experiments.size);
        state.experiments.set(id, name);
        return [200, { experiment_id: id }];
      }
      case '/mlflow/runs/create': {
        const id = keepsIds && kept !== undefined ? kept : `${randomInt(1e9)}`.padStart(32, 'f');
        const experiment = textOf(body['experiment_id']) ?? '0';
        if (!state.experiments.has(experiment)) return missing('no such experiment');
        state.runs.set(id, { tags: listOf(body['tags']), metrics: [], name: textOf(body['run_name']) ?? '', experiment });
        return [200, { run: runOf(id) ?? {} }];
      }
      case '/mlflow/runs/get': {
        const found = runOf(url.searchParams.get('run_id') ?? '');
        return found === undefined ? missing('no such run') : [200, { run: found }];
      }
      case '/mlflow/runs/search': {
        const wanted = /= '([^']*)'/.exec(textOf(body['filter']) ?? '')?.[1];
        const ids = [...state.runs].filter(([, { tags }]) => tags.some(({ key, value }) => key === 'gyre.relay.id' && value === wanted));
        return [200, { runs: ids.map(([id]) => runOf(id) ?? {}) }];
      }
      case '/mlflow/runs/log-metric':
        if (run === undefined) return missing('no such run');
        if (typeof body['value'] !== 'number') return [400, { error_code: 'INVALID_PARAMETER_VALUE', message: 'value is no number' }];
        run.metrics.push(body);
        return [200, {}];
      default:
        return [200, {}];
    }
  };
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      const url = new URL(request.url ?? '/', 'http://server');
      if (state.mood === 'gone') return void request.socket.destroy();
      const json: unknown = request.method !== 'GET' && text.startsWith('{') ? JSON.parse(text) : {};
      const [status, answer] =
        state.mood === 'full'
          ? ([507, { error_code: 'RESOURCE_EXHAUSTED', message: 'the disk is full' }] as const)
          : state.mood === 'locked'
            ? ([401, { error_code: 'UNAUTHENTICATED', message: 'who are you?' }] as const)
            : act(request.method ?? 'GET', url, factsOf(json), request.headers['gyre-id']?.toString(), text);
      if (status < 300 && request.method !== 'GET' && !url.pathname.endsWith('/search'))
        state.calls.push(`${request.method} ${url.pathname}`);
      if (state.mood === 'forgetful') return void request.socket.destroy();
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  const port = isFacts(bound) ? Number(bound['port']) : 0;
  return Object.assign(state, {
    address: `http://127.0.0.1:${port}`,
    port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

export interface TestRelay extends AsyncDisposable {
  readonly relay: Relay;
  readonly address: string;
  readonly folder: string;
  readonly said: string[];
  post(call: string, body: unknown): Promise<{ readonly status: number; readonly body: Facts }>;
  get(call: string): Promise<{ readonly status: number; readonly body: Facts }>;
}

/** @param folder one that exists goes on where it ended; left out: a new one, which is removed at the end */
export async function testRelay(
  server: TestServer,
  { folder, limitBytes = 1e9 }: { readonly folder?: string; readonly limitBytes?: number } = {},
): Promise<TestRelay> {
  const path = folder ?? (await mkdtemp(join(tmpdir(), 'gyre-relay-')));
  const to = new URL(server.address);
  const said: string[] = [];
  const relay = await Relay.open({
    folder: path,
    to,
    upstream: new Upstream({ to, idleMs: 5_000 }),
    clock: systemClock,
    limitBytes,
    retryMs: 50,
    say: (line) => said.push(line),
  });
  const hex = (length: number): string => Array.from({ length }, () => randomInt(16).toString(16)).join('');
  const running = await serveRelay({
    relay,
    clock: systemClock,
    ids: {
      hex: () => hex(32),
      digits: () => `9${Array.from({ length: 17 }, () => randomInt(10)).join('')}`,
      below: (bound) => randomInt(bound),
    },
    port: 0,
    say: (line) => said.push(line),
  });
  const call = async (method: string, name: string, body?: unknown): Promise<{ readonly status: number; readonly body: Facts }> => {
    const response = await fetch(`${running.address}/api/2.0/mlflow${name.startsWith('-') ? '' : '/'}${name}`, {
      method,
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    return { status: response.status, body: factsOf(await response.json()) };
  };
  return {
    relay,
    address: running.address,
    folder: path,
    said,
    post: (name, body) => call(name.startsWith('-') ? 'PUT' : 'POST', name, body),
    get: (name) => call('GET', name),
    [Symbol.asyncDispose]: async () => {
      await running[Symbol.asyncDispose]();
      await relay[Symbol.asyncDispose]();
      if (folder === undefined) await rm(path, { recursive: true, force: true });
    },
  };
}
