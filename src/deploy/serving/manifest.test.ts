import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { ReleaseManifest } from '#contract';
import { canonicalJson, manualClock } from '#core';
import { readManifest, readPublicKey } from './manifest.ts';
import { localModels } from './local-models.ts';
import { sampleManifest, samplePackage, writeSampleFolder } from './sample-package.ts';

const sample = samplePackage();
const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const signed = (manifest: ReleaseManifest): object => ({
  manifest,
  keyId: 'test',
  signature: sign(null, Buffer.from(canonicalJson(manifest)), privateKey).toString('base64'),
});

describe('a release manifest', () => {
  let dir = '';
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'gyre-manifest-'));
  });
  after(() => rm(dir, { recursive: true, force: true }));
  const written = async (value: unknown): Promise<string> => {
    const file = join(dir, 'manifest.json');
    await writeFile(file, typeof value === 'string' ? value : JSON.stringify(value));
    return file;
  };

  test('is taken when the pinned key signed it, however its JSON is laid out', async () => {
    const manifest = sampleManifest(sample, 1);
    const file = await written(JSON.stringify(signed(manifest), undefined, 4));
    assert.deepEqual(await readManifest(file, { publicKey }), manifest);
  });

  test('is refused when anything in it was changed after signing, or another key signed it', async () => {
    const manifest = sampleManifest(sample, 1);
    const forged = { ...signed(manifest), manifest: { ...manifest, tokenHashes: ['0'.repeat(64)] } };
    await assert.rejects(readManifest(await written(forged), { publicKey }), {
      code: 'PERMISSION_DENIED',
      message: /not that of the pinned key/,
    });
    const other = generateKeyPairSync('ed25519').publicKey;
    await assert.rejects(readManifest(await written(signed(manifest)), { publicKey: other }), { code: 'PERMISSION_DENIED' });
  });

  test('is refused without a signature, unless that is said explicitly', async () => {
    const manifest = sampleManifest(sample, 1);
    const file = await written(manifest);
    await assert.rejects(readManifest(file, { publicKey }), { code: 'INVALID_ARGUMENT', message: /it has no signature/ });
    assert.deepEqual(await readManifest(file, { unsigned: true }), manifest);
    assert.deepEqual(await readManifest(await written(signed(manifest)), { unsigned: true }), manifest);
  });

  test('is refused with the member that is wrong', async () => {
    const manifest = sampleManifest(sample, 1);
    const [model] = manifest.models;
    const cases: readonly (readonly [unknown, RegExp])[] = [
      ['{"manifest', /is no JSON/],
      [{ ...manifest, generation: 0 }, /\/generation/],
      [{ ...manifest, colour: 'red' }, /\/colour is not known/],
      [{ ...manifest, models: [{ ...model, weight: 0.4 }] }, /sum to 0.4/],
      [{ ...manifest, models: [model, { ...model, weight: 0 }] }, /lists churn-model 1 twice/],
      [{ ...manifest, models: [{ ...model, files: model.files.slice(1) }] }, /not those that its package digest/],
      [{ ...manifest, limits: { maxBodyBytes: 0, maxRows: 1 } }, /limits let no request through/],
    ];
    for (const [value, message] of cases) {
      await assert.rejects(readManifest(await written(value), { unsigned: true }), { code: 'INVALID_ARGUMENT', message });
    }
    await assert.rejects(readManifest(join(dir, 'none.json'), { unsigned: true }), { code: 'NOT_FOUND' });
  });

  test('is checked with an Ed25519 key only', async () => {
    const file = join(dir, 'key.pem');
    await writeFile(file, publicKey.export({ type: 'spki', format: 'pem' }));
    assert.equal((await readPublicKey(file)).asymmetricKeyType, 'ed25519');
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'pem' });
    await writeFile(file, rsa);
    await assert.rejects(readPublicKey(file), { code: 'INVALID_ARGUMENT', message: /of type rsa/ });
    await writeFile(file, 'no key');
    await assert.rejects(readPublicKey(file), { code: 'INVALID_ARGUMENT', message: /no public key in PEM/ });
  });

  test('is made for a package folder, and its files are what their digests say', async () => {
    const folder = join(dir, 'my model');
    await writeSampleFolder(folder, sample);
    const { manifest, source } = await localModels([folder], manualClock(0));
    assert.deepEqual(
      [manifest.endpoint, manifest.models[0].package, manifest.models[0].signature],
      ['my-model', sample.digest, sample.signature],
    );
    const [, graph] = manifest.models[0].files;
    await writeFile(join(folder, 'model.onnx'), 'changed');
    await assert.rejects(source.read(graph), { code: 'DATA_LOSS', message: /model.onnx is corrupt/ });
    await rm(join(folder, 'signature.json'));
    await assert.rejects(localModels([folder], manualClock(0)), { code: 'INVALID_ARGUMENT', message: /has no signature.json/ });
    await assert.rejects(localModels([join(dir, 'nowhere')], manualClock(0)), { code: 'NOT_FOUND' });
  });

  test('is made for any graph by its file, under the name that it is given', async () => {
    const [, graph] = sample.files;
    const file = join(dir, 'some graph.onnx');
    await writeFile(file, graph.bytes);
    const { manifest, source } = await localModels([file, `second=${file}`], manualClock(0));
    assert.deepEqual(
      manifest.models.map(({ name, weight }) => [name, weight]),
      [
        ['some-graph', 1],
        ['second', 0],
      ],
    );
    assert.equal(manifest.endpoint, 'some-graph');
    assert.deepEqual(await source.read(manifest.models[1].files[0]), Buffer.from(graph.bytes));
    await assert.rejects(localModels([file, file], manualClock(0)), {
      code: 'INVALID_ARGUMENT',
      message: /two models are called "some-graph"/,
    });
    await writeFile(join(dir, 'notes.txt'), 'no model');
    await assert.rejects(localModels([join(dir, 'notes.txt')], manualClock(0)), { code: 'INVALID_ARGUMENT', message: /ends in .onnx/ });
  });
});
