import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import type { EnvironmentState, TestReport, VideoCounts } from '#contract';
import { done, gyre, repository, temporaryFolder, up, type Place, type Up } from '../harness/gyre-fixture.ts';
import { axeFindings, browserMissing, openBrowser } from './browser.ts';
import { pageViews } from './page-views.ts';

/** How a reason to skip begins that a fresh machine always has (`tools/test.ts` knows it). */
const mayNotBePassedOn = 'data that may not be passed on';
const data = process.env['GYRE_TEST_DATA'] ?? '';
const hasFfmpeg = spawnSync('ffmpeg', ['-version']).status === 0;
/** The photos may not be passed on, so that a fresh machine has none. */
const missing =
  data === '' || !existsSync(join(data, 'cats-vs-dogs'))
    ? `${mayNotBePassedOn}: GYRE_TEST_DATA names no folder with cats-vs-dogs and pretrained`
    : hasFfmpeg
      ? browserMissing
      : 'ffmpeg is not installed';

/** Of each class: enough for 97 % on those that are held out. All of them take minutes. */
const taken = { train: 400, test: 250 };
/** So many names, evenly from first to last. */
const some = (names: readonly string[], count: number): readonly string[] =>
  Array.from({ length: count }, (_, at) => names[Math.floor((at * names.length) / count)]);

/** The example as it is, with a part of the photos, the network, and a video of some test photos at 25 frames a second. */
function prepare(path: string): Place {
  const folder = join(path, 'pets');
  cpSync(join(repository, 'examples/pets'), folder, { recursive: true });
  const photos: string[] = [];
  for (const part of ['train', 'test'] as const)
    for (const kind of ['cat', 'dog']) {
      const from = join(data, 'cats-vs-dogs', part, kind);
      const to = join(folder, 'data/cats-vs-dogs', part, kind);
      mkdirSync(to, { recursive: true });
      for (const name of some(readdirSync(from).sort(), taken[part])) copyFileSync(join(from, name), join(to, name));
      if (part === 'test') photos.push(...readdirSync(to).sort().slice(0, 10).map((name) => join(to, name))); // prettier-ignore
    }
  copyFileSync(join(data, 'pretrained/mobilenet_v2_1.0_224.onnx'), join(folder, 'data/mobilenet_v2_1.0_224.onnx'));
  mkdirSync(join(folder, 'videos'));
  const list = join(path, 'list.txt');
  writeFileSync(list, photos.map((photo) => `file '${photo}'\nduration 0.2\n`).join(''));
  const made = spawnSync('ffmpeg', ['-loglevel', 'error', '-f', 'concat', '-safe', '0', '-i', list, '-vf', 'fps=25,scale=256:256,format=yuv420p', join(folder, 'videos/park.mp4')]); // prettier-ignore
  assert.equal(made.status, 0, String(made.stderr));
  return { cwd: folder, env: { GYRE_PORT: '0' } };
}

describe('the pet park', { skip: missing }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let place: Place;
  let server: Up;
  let browser: Browser;
  before(async () => {
    folder = await temporaryFolder();
    place = prepare(folder.path);
    await done(['run'], place);
    server = await up(place);
    browser = await openBrowser();
  });
  after(async () => {
    await browser?.close();
    await server?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });
  const { withTab } = pageViews(
    () => browser,
    () => server,
  );

  test('tells cats from dogs on photos that no model learned from, and its gates are passed', async () => {
    const { items } = await server.get<{ items: readonly TestReport[] }>('test-reports');
    const accuracy = items[0].validationSets?.find(({ set }) => set === 'park')?.metrics.find(({ name }) => name === 'accuracy');
    assert.ok((accuracy?.value ?? 0) >= 0.97, `accuracy on the test photos: ${accuracy?.value}`);
    assert.equal(items[0].passed, true);
  });

  test('is trained again to the same bytes, every feature computed anew', async () => {
    const { code, stdout, stderr } = await gyre(['reproduce', 'pets/1'], { ...place, env: { ...place.env } });
    assert.equal(code, 0, stdout + stderr);
  });

  test('is released to its tests, and asked with a photo as curl sends it', async () => {
    await done(['release', 'deploy', 'pets/1', 'test'], place);
    const { items } = await server.get<{ items: readonly EnvironmentState[] }>('environments');
    const address = items.find(({ name }) => name === 'test')?.address ?? '';
    for (const kind of ['cat', 'dog'] as const) {
      const at = join(place.cwd, 'data/cats-vs-dogs/test', kind);
      const answer = await fetch(`${address}/predictions/pets`, { method: 'PUT', body: readFileSync(join(at, readdirSync(at).sort()[0])) });
      const shares = (await answer.json()) as Readonly<Record<string, number>>;
      assert.ok(shares[kind] > 0.5, JSON.stringify(shares));
    }
  });

  test('is played a video on the command line, and every frame is counted', async () => {
    const { code, stdout, stderr } = await gyre(['stream', '--input', 'videos/park.mp4', '--environment', 'test'], place);
    assert.equal(code, 0, stderr);
    const counts = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as VideoCounts;
    assert.equal(counts.answered + counts.dropped + counts.failed, counts.frames);
    assert.ok(counts.frames >= 95 && counts.answered > 0 && counts.failed === 0, JSON.stringify(counts));
  });

  test('shows frame, label, confidence and counts live on the page, in both themes', async () => {
    for (const theme of ['light', 'dark'] as const)
      await withTab(theme, async ({ page, open }) => {
        await open(`${server.address}/video?environment=test&fps=5`);
        await page.getByRole('button', { name: 'Play' }).click();
        await page.locator('.video-label', { hasText: /^(cat|dog)$/ }).waitFor();
        await page.getByRole('img', { name: /Frame \d+ as the model saw it/ }).waitFor();
        await page.getByText(/% sure/).waitFor();
        assert.deepEqual(await axeFindings(page), []);
        await page.getByText('the video is over').waitFor();
        assert.match(await page.locator('.facts').innerText(), /cat\s+\d+[\s\S]*dog\s+\d+[\s\S]*Dropped\s+\d+/);
      });
  });
});
