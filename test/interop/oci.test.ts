import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { samplePackage, writeSampleFolder } from '#serving';
import { done, facts, gyre, start, temporaryFolder } from '../harness/gyre-fixture.ts';
import { infer, openContainer, run, whyNot } from './containers.ts';

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

const skip = await whyNot(['skopeo', 'buildah']);

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
    const { Entrypoint } = await config();
    await using container = await openContainer(cwd, 'oci:images:churn:1');
    const running = await container.start(Entrypoint);
    await using here = start(['serve', '--model', 'churn', '--port', '0', '--grpc-port', 'off'], { cwd });
    const [, own = ''] = await here.line(/at (http:\S+)/);
    assert.deepEqual(await infer(running.address), await infer(own));
    // The container's process is nobody's on this machine, and ends when it is told to.
    const { users, code, output } = await running.stop();
    assert.deepEqual(users, [65_532]);
    assert.equal(code, 0, output);
  });
});
