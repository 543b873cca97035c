/** Images of models in Buildah, and what their data planes answer. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '../harness/gyre-fixture.ts';

export const run = promisify(execFile);

/** Why tests that need these programs are left out. @throws where they must not be */
export async function whyNot(programs: readonly string[]): Promise<string | false> {
  const has = (program: string): Promise<boolean> =>
    run(program, ['--version']).then(
      () => true,
      () => false,
    );
  const missing = (await Promise.all(programs.map(async (name) => ((await has(name)) ? [] : [name])))).flat();
  if (missing.length > 0 && process.env.GYRE_REQUIRE_ALL === '1')
    throw new Error(`${missing.join(' and ')} must be installed for this test`);
  return missing.length > 0 && `${missing.join(' and ')} is not installed`;
}

interface RunningPlane {
  readonly address: string;
  /** Ends it by SIGTERM. */
  stop(): Promise<{ readonly users: readonly number[]; readonly code: number | null; readonly output: string }>;
}

export interface Container extends AsyncDisposable {
  /** Starts it by these words and waits until it answers. */
  start(words: readonly string[]): Promise<RunningPlane>;
  /** How it is to be started, by its image. */
  entrypoint(): Promise<readonly string[]>;
}

/** @param image an image's place, or a folder with a Containerfile */
export async function openContainer(cwd: string, image: string | { readonly context: string }): Promise<Container> {
  await using stack = new AsyncDisposableStack();
  const store = await mkdtemp(join(cwd, 'store-'));
  stack.defer(() => rm(store, { recursive: true, force: true }));
  const flags = ['--root', join(store, 'root'), '--runroot', join(store, 'run'), '--storage-driver', 'vfs'];
  const buildah = async (...words: readonly string[]): Promise<string> =>
    (await run('buildah', [...flags, ...words], { cwd, maxBuffer: 1 << 24 })).stdout.trim();
  if (typeof image !== 'string') await buildah('build', '--isolation', 'chroot', '--tag', 'localhost/built:1', image.context);
  const container = (await buildah('from', typeof image === 'string' ? image : 'localhost/built:1')).split('\n').at(-1) ?? '';
  // Layers were written as root, and mounts are gone with the namespace.
  stack.defer(async () => void (await buildah('rm', container)));
  const rest = stack.move();
  return {
    entrypoint: async () => {
      const found = JSON.parse(await buildah('inspect', container)) as {
        readonly OCIv1: { readonly config: { readonly Entrypoint: readonly string[] } };
      };
      return found.OCIv1.config.Entrypoint;
    },
    start: async (words) => {
      const port = await freePort();
      const child = spawn('buildah', [...flags, 'run', '--isolation', 'chroot', '--env', `PORT=${port}`, container, '--', ...words], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let output = '';
      for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
      const ended = once(child, 'exit');
      rest.defer(() => void child.kill('SIGKILL'));
      const address = `http://127.0.0.1:${port}`;
      await eventually('the container answers', async () => (await statusOf(`${address}/v2/health/ready`)) === 200, 60_000);
      return {
        address,
        stop: async () => {
          const inside = await processesOn(port);
          for (const { pid } of inside) process.kill(pid, 'SIGTERM');
          const [code] = (await ended) as [number | null];
          return { users: inside.map(({ uid }) => uid), code, output };
        },
      };
    },
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  };
}

/** What the sample's data plane answers to two rows. */
export async function infer(address: string): Promise<unknown> {
  const column = (name: string, datatype: string, data: readonly unknown[]) => ({ name, datatype, shape: [data.length, 1], data });
  const response = await fetch(`${address}/v2/models/churn/infer`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      inputs: [
        column('tenure', 'FP64', [5, 60]),
        column('charges', 'FP64', [90, 20]),
        column('senior', 'FP64', [0, 1]),
        column('contract', 'BYTES', ['Month-to-month', 'Two year']),
      ],
    }),
  });
  assert.equal(response.status, 200, await response.clone().text());
  return ((await response.json()) as { readonly outputs: unknown }).outputs;
}

export function statusOf(address: string): Promise<number> {
  return fetch(address).then(
    ({ status }) => status,
    () => 0,
  );
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Data planes that were started with this port in their environment. */
async function processesOn(port: number): Promise<readonly { readonly pid: number; readonly uid: number }[]> {
  const found: { pid: number; uid: number }[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const read = (file: string): Promise<string> => readFile(`/proc/${name}/${file}`, 'utf8').catch(() => '');
    if (!(await read('cmdline')).startsWith('/app/bin/node\0') || !(await read('environ')).split('\0').includes(`PORT=${port}`)) continue;
    found.push({ pid: Number(name), uid: Number(/^Uid:\s+(\d+)/m.exec(await read('status'))?.[1]) });
  }
  return found;
}
