import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { samplePackage, writeSampleFolder } from '#serving';
import { done, eventually, facts, gyre, start, temporaryFolder } from '../harness/gyre-fixture.ts';

interface Built {
  readonly name: string;
  readonly digest: string;
  readonly signedBy?: string;
}

interface Inspected {
  readonly Digest: string;
  readonly Layers: readonly string[];
  readonly Labels: Readonly<Record<string, string>>;
}

interface Config {
  readonly config: { readonly User: string; readonly Entrypoint: readonly string[]; readonly Env: readonly string[] };
}

const run = promisify(execFile);
const has = (program: string): Promise<boolean> =>
  run(program, ['--version']).then(
    () => true,
    () => false,
  );
const missing = (await Promise.all(['skopeo', 'buildah'].map(async (name) => ((await has(name)) ? [] : [name])))).flat();
if (missing.length > 0 && process.env.GYRE_REQUIRE_ALL === '1') throw new Error(`${missing.join(' and ')} must be installed for this test`);
const skip = missing.length > 0 && `${missing.join(' and ')} is not installed`;

describe('an image of a model', { skip }, () => {
  let stack: AsyncDisposableStack;
  let cwd = '';
  let built: Built;
  before(async () => {
    stack = new AsyncDisposableStack();
    cwd = stack.use(await temporaryFolder()).path;
    await writeSampleFolder(join(cwd, 'churn'), samplePackage());
    built = await facts<Built>(['package', 'churn', '--oci', 'images', '--name', 'churn:1'], { cwd });
  });
  after(() => stack.disposeAsync());

  const said = async (program: string, words: readonly string[]): Promise<string> =>
    (await run(program, words, { cwd, maxBuffer: 1 << 24 })).stdout;
  const inspected = async (place: string): Promise<Inspected> => JSON.parse(await said('skopeo', ['inspect', place])) as Inspected;
  const config = async (): Promise<Config['config']> =>
    (JSON.parse(await said('skopeo', ['inspect', '--config', 'oci:images:churn:1'])) as Config).config;

  test('is read by skopeo, and copied by it to the same digest', async () => {
    const found = await inspected('oci:images:churn:1');
    assert.equal(found.Digest, built.digest);
    assert.equal(found.Layers.length, 4);
    assert.equal(found.Labels['dev.gyre.package'], samplePackage().digest);
    await said('skopeo', ['copy', '--quiet', 'oci:images:churn:1', 'oci:copied:churn:1']);
    assert.equal((await inspected('oci:copied:churn:1')).Digest, built.digest);
    assert.equal((await config()).User, '65532:65532');
  });

  test('has the same digest when it is made again, in another place, under another clock and mask', async () => {
    const elsewhere = stack.use(await temporaryFolder()).path;
    const mask = process.umask(0o077);
    try {
      await writeSampleFolder(join(elsewhere, 'of-the-same'), samplePackage());
      const words = ['package', 'of-the-same', '--oci', 'other', '--name', 'churn:1'];
      const place = { cwd: elsewhere, env: { TZ: 'Pacific/Chatham', LANG: 'tr_TR.UTF-8' } };
      // The folder's name is the model's, where nothing in the package says another.
      const again = await facts<Built>(words, place);
      assert.notEqual(again.digest, built.digest);
      await writeSampleFolder(join(elsewhere, 'churn'), samplePackage());
      assert.equal((await facts<Built>(['package', 'churn', ...words.slice(2)], place)).digest, built.digest);
    } finally {
      process.umask(mask);
    }
  });

  test('is verified, and refused when one byte of a layer is another', async () => {
    await done(['package', 'verify', 'images'], { cwd });
    const layer = (await inspected('oci:images:churn:1')).Layers[3] ?? '';
    const file = join(cwd, 'images/blobs', layer.replace(':', '/'));
    const bytes = await readFile(file);
    const changed = Uint8Array.from(bytes);
    changed[20] = (changed[20] ?? 0) ^ 1;
    await writeFile(file, changed);
    const refused = await gyre(['package', 'verify', 'images'], { cwd });
    await writeFile(file, bytes);
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, new RegExp(`${layer} has been changed`));
  });

  test('runs in buildah as nobody, on the port that PORT says, and answers as the model does here', async () => {
    const store = join(cwd, 'store');
    const buildah = ['--root', join(store, 'root'), '--runroot', join(store, 'run'), '--storage-driver', 'vfs'];
    stack.defer(() => rm(store, { recursive: true, force: true }));
    const container = (await said('buildah', [...buildah, 'from', 'oci:images:churn:1'])).trim().split('\n').at(-1) ?? '';
    const port = await freePort();
    const { Entrypoint } = await config();
    const child = spawn('buildah', [...buildah, 'run', '--isolation', 'chroot', '--env', `PORT=${port}`, container, '--', ...Entrypoint], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
    const ended = once(child, 'exit');
    stack.defer(() => void child.kill('SIGKILL'));
    const address = `http://127.0.0.1:${port}`;
    await eventually('the container answers', async () => (await statusOf(`${address}/v2/health/ready`)) === 200, 60_000);
    await using here = start(['serve', '--model', 'churn', '--port', '0', '--grpc-port', 'off'], { cwd });
    const [, own = ''] = await here.line(/at (http:\S+)/);
    assert.deepEqual(await infer(address), await infer(own));
    // The container's process is nobody's on this machine, and ends when it is told to.
    const inside = await processesOn(port);
    assert.deepEqual(
      inside.map(({ uid }) => uid),
      [65_532],
    );
    for (const { pid } of inside) process.kill(pid, 'SIGTERM');
    assert.deepEqual((await ended).slice(0, 1), [0], output);
    // Layers were written as root, and mounts are gone with the namespace.
    await said('buildah', [...buildah, 'rm', container]);
  });
});

async function infer(address: string): Promise<unknown> {
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

function statusOf(address: string): Promise<number> {
  return fetch(address).then(
    ({ status }) => status,
    () => 0,
  );
}

async function freePort(): Promise<number> {
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
