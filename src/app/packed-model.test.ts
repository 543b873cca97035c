import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { hasCode } from '#core';
import { samplePackage, writeSampleFolder } from '#serving';
import { packedModel } from './packed-model.ts';

describe('what of a folder goes into an image', () => {
  let folder = '';
  let place = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-packed-'));
    place = join(folder, 'churn');
    await writeSampleFolder(place, samplePackage());
  });
  afterEach(() => rm(folder, { recursive: true }));

  const write = async (path: string, text: string | Buffer): Promise<void> => {
    await mkdir(dirname(join(place, path)), { recursive: true });
    await writeFile(join(place, path), text);
  };

  test('is the package, and nothing whose name begins with a dot', async () => {
    for (const path of ['.env', '.git/config', 'evidence/.cache/rows', '.secrets/key.pem']) await write(path, 'PASSWORD=secret');
    const { model, pictures } = await packedModel({ place });
    const { digest, files } = samplePackage();
    assert.deepEqual([model.name, model.digest, pictures], ['churn', digest, false]);
    assert.deepEqual(new Set(model.files.map(({ path }) => path)), new Set(files.map(({ path }) => path)));
  });

  test('is never the layout that it is written to, by whatever way it is named, nor an earlier one', async () => {
    await symlink(folder, join(folder, 'link'));
    for (const layout of [place, join(place, 'images'), join(place, 'a/b'), join(folder, 'link/churn/images')])
      await assert.rejects(packedModel({ place, layout }), (error) => hasCode(error, 'INVALID_ARGUMENT') && /lies in/.test(String(error)));
    for (const layout of [join(folder, 'images'), join(folder, 'churn-images'), join(place, '.images')])
      await packedModel({ place, layout });
    await write('images/oci-layout', '{"imageLayoutVersion":"1.0.0"}');
    await assert.rejects(
      packedModel({ place }),
      (error) => hasCode(error, 'INVALID_ARGUMENT') && /images holds images/.test(String(error)),
    );
  });

  test('is never a private key', async () => {
    await write('signing.txt', generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await assert.rejects(packedModel({ place }), (error) => hasCode(error, 'INVALID_ARGUMENT') && /signing\.txt is a private key/.test(String(error))); // prettier-ignore
  });

  test('is what was registered, file by file, or it is refused', async () => {
    const { digest, files } = samplePackage();
    const listed = files.map(({ path, digest: own, size }) => ({ path, digest: own, size }));
    const registered = { name: 'Churn', version: '3', modelVersion: 'one', package: digest, files: listed };
    const { model } = await packedModel({ place, model: registered });
    assert.deepEqual([model.name, model.version, model.modelVersion, model.digest], ['Churn', '3', 'one', digest]);
    assert.deepEqual(model.files.map(({ path }) => path).sort(), listed.map(({ path }) => path).sort());
    const refused = (what: RegExp, changed: object = {}): Promise<void> =>
      assert.rejects(packedModel({ place, model: { ...registered, ...changed } }), (error) => hasCode(error, 'DATA_LOSS') && what.test(String(error))); // prettier-ignore
    await refused(/list of files does not have the digest/, { package: '0'.repeat(64) });
    const [example] = files;
    assert.ok(example !== undefined);
    await write(example.path, Buffer.from(example.bytes.subarray(0, -1)));
    await refused(new RegExp(`the SHA-256 of ${example.path} is`));
    await rm(join(place, example.path));
    await refused(new RegExp(`${example.path} cannot be read`));
  });

  test('is the graph alone where there is no more', async () => {
    const graph = samplePackage().files.find(({ path }) => path === 'model.onnx');
    assert.ok(graph !== undefined);
    const alone = join(folder, 'digits.onnx');
    await writeFile(alone, graph.bytes);
    const { model } = await packedModel({ place: alone, layout: join(folder, 'images') });
    assert.deepEqual([model.name, model.files.map(({ path, file }) => [path, file])], ['digits', [['model.onnx', alone]]]);
  });
});
