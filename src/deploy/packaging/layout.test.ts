import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { hasCode, sha256 } from '#core';
import { buildImage, Layout, verifyImage } from './index.ts';
import type { PackedModel, PlaneRuntime } from './index.ts';
import { signatureType } from './signature.ts';

const pair = () =>
  generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });

describe('an image in a layout', () => {
  let folder = '';
  let made = 0;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-layout-'));
    await writeFile(join(folder, 'model.onnx'), 'a graph');
  });
  after(() => rm(folder, { recursive: true }));

  const text = (path: string) => ({ path, content: Buffer.from(path) });
  const runtime: PlaneRuntime = {
    architecture: 'amd64',
    system: [text('app/bin/node')],
    libraries: [text('app/node_modules/runtime/index.js')],
    program: [text('app/program/inference-main.mjs')],
    components: [{ type: 'library', name: 'runtime', version: '1.0.0', purl: 'pkg:npm/runtime@1.0.0', license: 'MIT' }],
  };
  const model = (version: string): PackedModel => ({
    name: 'Churn model',
    version,
    digest: sha256(Buffer.from(version)),
    files: [{ path: 'model.onnx', digest: sha256(Buffer.from('a graph')), size: 7, file: join(folder, 'model.onnx') }],
  });
  const fresh = (): Promise<Layout> => Layout.open(join(folder, `images-${made++}`));

  test('is verified whole, by the key that signed it and no other', async () => {
    const layout = await fresh();
    const [ours, theirs] = [pair(), pair()];
    const built = await buildImage(layout, runtime, model('3'), { name: 'churn:3', key: ours.privateKey });
    const verified = await verifyImage(layout, { publicKey: ours.publicKey });
    assert.deepEqual([verified.digest, verified.layers, verified.billOfMaterials], [built.digest, 4, true]);
    assert.equal(verified.signedBy, built.signedBy);
    await assert.rejects(verifyImage(layout, { publicKey: theirs.publicKey }), /not by this key/);
    await layout.attach(await layout.find(), signatureType, []);
    await assert.rejects(verifyImage(layout, { publicKey: ours.publicKey }), (error) => hasCode(error, 'FAILED_PRECONDITION') && /holds no signature/.test(String(error))); // prettier-ignore
    const unsigned = await buildImage(await fresh(), runtime, model('3'), { name: 'churn:3' });
    assert.equal(unsigned.digest, built.digest, 'a signature is no part of what it signs');
  });

  test('shares a layout with others, and takes the place of what had its name', async () => {
    const layout = await fresh();
    const three = await buildImage(layout, runtime, model('3'), { name: 'churn:3' });
    const four = await buildImage(layout, runtime, model('4'), { name: 'churn:4' });
    assert.notEqual(three.digest, four.digest);
    await assert.rejects(verifyImage(layout), (error) => hasCode(error, 'NOT_FOUND') && /churn:3, churn:4/.test(String(error)));
    assert.equal((await verifyImage(layout, { name: 'churn:3' })).digest, three.digest);
    const again = await buildImage(layout, runtime, model('5'), { name: 'churn:3' });
    assert.equal((await verifyImage(layout, { name: 'churn:3' })).digest, again.digest);
    assert.equal((await verifyImage(layout, { name: 'churn:4' })).digest, four.digest);
  });

  test('has the same digest under each of its names', async () => {
    const layout = await fresh();
    const { digest } = await buildImage(layout, runtime, model('3'), { name: 'churn:3' });
    assert.equal((await buildImage(layout, runtime, model('3'), { name: 'team/churn:production' })).digest, digest);
    for (const name of ['churn:3', 'team/churn:production']) assert.equal((await verifyImage(layout, { name })).digest, digest);
  });

  test('that was changed is refused, whatever was changed: a layer, the manifest, the bill of materials', async () => {
    const layout = await fresh();
    const { digest } = await buildImage(layout, runtime, model('3'), { name: 'churn:3' });
    const { layers, config } = await layout.readManifest({ digest });
    const [bill] = await layout.referrers(digest);
    assert.ok(bill !== undefined);
    const [list] = (await layout.readManifest(bill)).layers;
    for (const changed of [digest, config.digest, layers[3]?.digest ?? '', list?.digest ?? '']) {
      const place = layout.pathOf(changed);
      const bytes = await readFile(place);
      await writeFile(place, Buffer.concat([bytes.subarray(0, -1), Buffer.from([(bytes.at(-1) ?? 0) ^ 1])]));
      await assert.rejects(verifyImage(layout), (error) => hasCode(error, 'DATA_LOSS') && String(error).includes(changed));
      await writeFile(place, bytes);
    }
    await verifyImage(layout);
  });

  test('is named beside those that others name at the same time, from the first one on', async () => {
    const place = join(folder, `images-${made++}`);
    const names = Array.from({ length: 12 }, (_, at) => `churn:${at}`);
    await Promise.all(
      names.map(async (name) => {
        const layout = await Layout.open(place);
        const image = await layout.putJson('application/json', { name });
        await layout.name(image, name);
        await layout.attach(image, 'application/vnd.example', []);
      }),
    );
    const { manifests } = await (await Layout.open(place)).index();
    const named = manifests.flatMap(({ annotations }) => Object.values(annotations ?? {}));
    assert.deepEqual(new Set(named), new Set(names));
    assert.equal(manifests.length, 2 * names.length);
  });

  test('is not written among other files', async () => {
    await assert.rejects(Layout.open(folder), (error) => hasCode(error, 'FAILED_PRECONDITION'));
  });
});
