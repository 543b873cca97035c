import assert from 'node:assert/strict';
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { PredictAnswer, SignedManifest } from '#contract';
import { readSegment } from '#serving';
import { done, eventually, facts, gyre, start, temporaryFolder, up } from '../harness/gyre-fixture.ts';
import type { Place, Up } from '../harness/gyre-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';
import { releaseVersion } from '../harness/release-fixture.ts';

interface Shipped {
  readonly segments: number;
  readonly rows: number;
}

const row = { age: 30, plan: 'basic', income: 50_000, newsletter: true, spend: 80 };

describe('a data plane on a computer of its own', () => {
  let stack: AsyncDisposableStack;
  let place: Place;
  let edge: Place;
  let address = '';
  const recorded = async (house: Up, id: string): Promise<number> =>
    house.get<{ readonly modelVersion?: string }>(`predictions/${id}`).then(
      ({ modelVersion }) => (modelVersion === undefined ? 0 : 1),
      () => 0,
    );

  before(async () => {
    stack = new AsyncDisposableStack();
    const { path } = stack.use(await temporaryFolder());
    place = { cwd: await smallProject(path) };
    const folder = stack.use(await temporaryFolder()).path;
    await done(['run'], place);
    await using house = await up(place);
    await releaseVersion(house, 'shop', 1);
    await cp(join(house.dataFolder, 'secrets', 'manifest-key.pub.pem'), join(folder, 'key.pem'));
    const token = (await readFile(join(house.dataFolder, 'secrets', 'owner-token'), 'utf8')).trim();
    address = house.address;
    edge = { cwd: folder, env: { GYRE_SERVER: address, GYRE_TOKEN: token } };
    const pulled = await facts<{ readonly fetched: number }>(['release', 'pull', 'production', '--to', '.'], edge);
    assert.ok(pulled.fetched > 3);
    const empty = await gyre(['release', 'pull', 'moon'], edge);
    assert.equal(empty.code, 3);
    assert.match(empty.stderr, /nothing is live in "moon"/);
    await house.stop();
  });
  after(() => stack.disposeAsync());

  const words = ['serve', '--manifest', 'manifest.json', '--blobs', 'blobs', '--public-key', 'key.pem', '--spool', 'log', '--port', '0'];

  /** Predicts on it while nobody else is there. @returns the ids */
  const predict = async (count: number): Promise<readonly string[]> => {
    await using plane = start([...words, '--grpc-port', 'off'], edge);
    const [, at] = await plane.line(/at (http:\S+)/);
    const ids: string[] = [];
    for (let k = 0; k < count; k++) {
      const request = {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ rows: [row, { ...row, age: 20 + k }] }),
      };
      const answer = (await (await fetch(`${at}/predict/shop`, request)).json()) as PredictAnswer;
      ids.push(...answer.predictions.map(({ id }) => id));
    }
    plane.kill('SIGTERM');
    assert.equal((await plane.ended).code, 0);
    return ids;
  };

  test('answers while the platform is away, and brings home what it logged when that is back, each prediction once', async () => {
    const ids = await predict(20);
    assert.equal(ids.length, 40);
    const refused = await gyre(['prediction', 'ship', 'log'], edge);
    assert.equal(refused.code, 5, refused.stderr);
    assert.ok(
      (await readdir(join(edge.cwd, 'log'))).some((name) => name.endsWith('.seg')),
      'what is not filed stays',
    );

    await using shipping = start(['prediction', 'ship', 'log', '--follow', '--every', '1'], edge);
    await using house = await up(place, ['--port', new URL(address).port]);
    assert.equal(house.address, address);
    await eventually('the last prediction is on record', async () => (await recorded(house, ids.at(-1) ?? '')) === 1, 60_000);
    for (const id of ids) assert.equal(await recorded(house, id), 1, id);
    const more = await predict(1);
    await eventually('so is what came later', async () => (await recorded(house, more[0])) === 1, 60_000);
    shipping.kill('SIGINT');
    const { stderr } = await shipping.ended;
    assert.match(stderr, /it is waited for\n[^]*the platform answers again/);
    assert.deepEqual((await readdir(join(edge.cwd, 'log'))).filter((name) => name.endsWith('.seg')), []); // prettier-ignore
    assert.deepEqual(await facts<Shipped>(['prediction', 'ship', 'log'], edge), { segments: 0, rows: 0 });
  });

  test('takes up a new manifest in the place of the old one when it gets SIGHUP, and keeps the old one where that may not be served', async () => {
    await using house = await up(place, ['--port', new URL(address).port]);
    const { id } = await house.get<{ readonly id: string }>('models/shop/versions/1');
    const older = await readFile(join(edge.cwd, 'manifest.json'), 'utf8');
    await using plane = start([...words, '--grpc-port', 'off'], edge);
    const [, at] = await plane.line(/at (http:\S+)/);
    const generation = async (): Promise<number> =>
      Number(/^gyre_manifest_generation (\d+)/m.exec(await (await fetch(`${at}/metrics`)).text())?.[1]);
    const before = await generation();
    const { status } = await house.post('environments/production/release', { modelVersion: id, reason: 'once more' });
    assert.ok(status < 300);
    // The same package: nothing but the manifest has to come.
    assert.deepEqual(
      await facts<{ readonly fetched: number; readonly manifest: string }>(['release', 'pull', 'production', '--to', '.'], edge).then(
        ({ fetched }) => fetched,
      ),
      0,
    );
    const newer = JSON.parse(await readFile(join(edge.cwd, 'manifest.json'), 'utf8')) as SignedManifest;
    assert.ok(newer.manifest.generation > before);
    const forged = { ...newer, manifest: { ...newer.manifest, generation: newer.manifest.generation + 1 } };
    await writeFile(join(edge.cwd, 'manifest.json'), JSON.stringify(forged));
    plane.kill('SIGHUP');
    await eventually('it is refused', () => plane.errors().includes('is refused; the old one stays'));
    assert.equal(await generation(), before);
    await writeFile(join(edge.cwd, 'manifest.json'), JSON.stringify(newer));
    plane.kill('SIGHUP');
    await eventually('the new one is served', async () => (await generation()) === newer.manifest.generation);
    await writeFile(join(edge.cwd, 'manifest.json'), older);
    plane.kill('SIGTERM');
    assert.equal((await plane.ended).code, 0);
  });

  test('is told what is wrong with a log that is none of an environment’s, or of one that there is not', async () => {
    await using house = await up(place, ['--port', new URL(address).port]);
    const ids = await predict(1);
    const [name] = (await readdir(join(edge.cwd, 'log'))).filter((one) => one.endsWith('.seg'));
    const kept = join(edge.cwd, 'kept.seg');
    await cp(join(edge.cwd, 'log', name), kept);
    assert.deepEqual(await facts<Shipped>(['prediction', 'ship', 'log'], edge), { segments: 1, rows: 2 });
    // The answer of the platform was lost, say: the same segment once more.
    await cp(kept, join(edge.cwd, 'log', name));
    assert.deepEqual(await facts<Shipped>(['prediction', 'ship', 'log'], edge), { segments: 1, rows: 0 });
    const { predictions } = await readSegment(kept);
    assert.deepEqual(predictions.map(({ id }) => id), ids); // prettier-ignore
    const strange = { ...predictions[0], environment: 'moon' };
    const unknown = await house.post<{ readonly detail: string }>('predictions', {
      environment: 'moon',
      segment: 'a',
      predictions: [strange],
    });
    assert.deepEqual([unknown.status, unknown.body.detail], [404, 'there is no environment "moon"; there are "test", "production"']);
    const mixed = await house.post<{ readonly detail: string }>('predictions', {
      environment: 'production',
      segment: 'b',
      predictions: [strange],
    });
    assert.equal(mixed.status, 400, JSON.stringify(mixed.body));
    const bad = await house.post('predictions', { environment: 'production', segment: '../c', predictions: [] });
    assert.equal(bad.status, 400);
  });
});
