import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { manualClock } from '#core';
import { localModels, readLocalRoute } from './local-models.ts';
import { samplePackage, writeSampleFolder } from './sample-package.ts';

describe('models by their place', () => {
  let root = '';
  const clock = manualClock(1_767_225_600_000);
  const places = (): string[] => ['old', 'new'].map((name) => `${name}=${join(root, name)}`);
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'gyre-local-'));
    await writeSampleFolder(join(root, 'old'), samplePackage());
    await writeSampleFolder(join(root, 'new'), samplePackage({ bias: 1 }));
  });
  after(() => rm(root, { recursive: true, force: true }));
  const routeOf = async (text: string): ReturnType<typeof readLocalRoute> => {
    const file = join(root, 'route.json');
    await writeFile(file, text);
    return readLocalRoute(file);
  };

  test('the first one answers to the endpoint, unless a route says otherwise', async () => {
    const { manifest } = await localModels(places(), clock);
    assert.deepEqual([manifest.endpoint, manifest.models.map(({ weight }) => weight), manifest.route], ['old', [1, 0], undefined]);
    const route = await routeOf('{"endpoint": "churn", "weights": {"new": 0.25, "old": 0.75}, "sticky": {"salt": "s"}}');
    const routed = await localModels(places(), clock, route);
    assert.deepEqual(
      [routed.manifest.endpoint, routed.manifest.models.map(({ weight }) => weight), routed.manifest.route],
      ['churn', [0.75, 0.25], { sticky: { salt: 's' } }],
    );
  });

  test('a folder with a graph alone, as SageMaker unpacks one, is that graph under the folder’s name', async () => {
    const folder = join(root, 'bare');
    await mkdir(folder);
    const [graph] = samplePackage().files.filter(({ path }) => path === 'model.onnx');
    await writeFile(join(folder, 'network-7.onnx'), graph.bytes);
    await writeFile(join(folder, 'README.md'), 'what it is');
    const { manifest, source } = await localModels([folder], clock);
    const [{ name, files, signature }] = manifest.models;
    assert.deepEqual([name, files.map(({ path }) => path), signature.inputs], ['bare', ['model.onnx'], []]);
    assert.deepEqual(Buffer.from(await source.read(files[0])), Buffer.from(graph.bytes));
    assert.equal((await localModels([`mine=${folder}`], clock)).manifest.models[0].name, 'mine');
    await writeFile(join(folder, 'other.onnx'), graph.bytes);
    await assert.rejects(localModels([folder], clock), /is no model package: it has no model\.onnx/);
  });

  test('a route that does not fit them is refused, naming what is wrong', async () => {
    const refusals = [
      ['{"weights": {"other": 1}}', /gives "other" a weight, which is not among the models/],
      ['{"weights": {"new": 0.25}}', /weights sum to 0.25; traffic needs a sum of 1/],
      ['{"fallback": {"model": {"name": "new", "version": "2"}}}', /the fallback of its route names new 2, which is not among its models/],
      ['{"wieghts": {}}', /is no route: \/wieghts is not known/],
      ['{"sticky": {}}', /is no route: \/sticky/],
      ['weights', /is no JSON/],
    ] as const;
    for (const [text, message] of refusals) {
      await assert.rejects(async () => localModels(places(), clock, await routeOf(text)), { code: 'INVALID_ARGUMENT', message });
    }
    await assert.rejects(readLocalRoute(join(root, 'none.json')), { code: 'NOT_FOUND' });
  });
});
