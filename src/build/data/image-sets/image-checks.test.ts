import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { QualityCheck } from '#contract';
import { thumbnail } from '#images';
import type { ImageFacts } from '#images';
import { ada, openBench } from '../testing.ts';
import type { Bench } from '../testing.ts';
import { imageCheckNamed } from './image-checks.ts';
import { imageFrame } from './image-rows.ts';
import type { ImageRow } from './image-rows.ts';
import { photo, relabelled, writeImages } from './testing.ts';

describe('the quality of images', () => {
  let bench: Bench;
  before(async () => {
    bench = await openBench();
  });
  after(() => bench[Symbol.asyncDispose]());

  const judged = async (name: string, files: Readonly<Record<string, Uint8Array | string>>) => {
    const folder = join(bench.folder, name);
    await writeImages(folder, files);
    const { version } = await bench.data.ingestImages({ dataset: name, folder, source: `${name}/`, by: ada });
    const report = await bench.data.quality(version.digest, { key: 'path', target: 'label', by: ada });
    const checks = new Map(report.characteristics.flatMap((each) => each.checks.map((check) => [check.name, check] as const)));
    const of = (check: string): QualityCheck => {
      const found = checks.get(check);
      assert.ok(found, `no check "${check}" among ${[...checks.keys()].join(', ')}`);
      return found;
    };
    return { version, report, of };
  };

  test('fails for images that cannot be decoded, by kind, and warns of damage and wrong names, with the rows', async () => {
    const damaged = photo('hat');
    damaged.set([0xff, 0xd3], 2500);
    const { report, of } = await judged('broken', {
      'a/cut.jpg': photo('shirt').subarray(0, 3000),
      'a/empty.jpg': '',
      'a/good.jpg': photo('shoes'),
      'a/hurt.jpg': damaged,
      'a/named.png': relabelled(photo('hat'), 'x'),
    });
    const readable = of('readable images');
    assert.equal(readable.outcome, 'fail');
    assert.equal(readable.score, 3 / 5);
    assert.match(readable.message, /2 images cannot be decoded \(1 truncated, 1 empty\)/);
    assert.deepEqual(
      readable.examples.map(({ row, note }) => [row, note]),
      [
        [2, 'a/cut.jpg'],
        [3, 'a/empty.jpg'],
      ],
    );
    assert.match(String(readable.examples[0].value), /^truncated: /);
    assert.equal(of('undamaged images').outcome, 'warn');
    assert.match(String(of('undamaged images').examples[0].note), /hurt\.jpg/);
    const names = of('extension agrees with content');
    assert.deepEqual(
      names.examples.map(({ value, note }) => [value, note]),
      [['a/named.png', 'the content is jpeg: .jpg']],
    );
    assert.equal(report.outcome, 'fail');
  });

  test('finds pictures that look alike: compressed again or scaled; those that share pixels are not counted once more', async () => {
    const { version, of } = await judged('alike', {
      'hat/1.jpg': photo('hat'),
      'hat/2.jpg': relabelled(photo('hat'), 'the same pixels'),
      'hat/3.jpg': await thumbnail(photo('hat'), 128),
      'shirt/4.jpg': photo('shirt'),
      'shirt/5.jpg': await thumbnail(photo('shirt'), 96),
      'shirt/6.jpg': await thumbnail(photo('shirt'), 64),
      'shoes/7.jpg': photo('shoes'),
    });
    const near = of('near duplicates');
    assert.deepEqual([near.failing, near.applied, near.outcome], [3, 6, 'warn']);
    assert.match(near.message, /^3 images look much like another, in 2 groups$/);
    assert.match(near.examples[0]?.note ?? '', /^like hat\/1.jpg, [0-6] of 64 bits of their hashes differ$/);
    const { items } = await bench.data.images.list(version.digest, { check: 'near duplicates' });
    assert.deepEqual(
      items.map(({ path, group }) => [path, group]),
      ['hat/1.jpg', 'hat/3.jpg', 'shirt/4.jpg', 'shirt/5.jpg', 'shirt/6.jpg'].map((path, index) => [path, index < 2 ? 0 : 1]),
    );
  });

  test('finds the same file, the same pixels in other bytes, and one picture under two labels', async () => {
    const { of } = await judged('twice', {
      'hat/1.jpg': photo('hat'),
      'hat/2.jpg': photo('hat'),
      'hat/3.jpg': relabelled(photo('hat'), 'saved again'),
      'shirt/4.jpg': photo('hat'),
      'shirt/5.jpg': photo('shirt'),
      'shirt/6.jpg': relabelled(photo('shirt'), 'again'),
    });
    const exact = of('exact duplicates');
    assert.equal(exact.failing, 2);
    assert.match(exact.message, /2 images are the same file as another, in 1 group/);
    assert.deepEqual(
      exact.examples.map(({ value, note }) => [value, note]),
      [
        ['hat/2.jpg', 'like hat/1.jpg'],
        ['shirt/4.jpg', 'like hat/1.jpg'],
      ],
    );
    const pixels = of('same pixels');
    assert.deepEqual(
      pixels.examples.map(({ value, note }) => [value, note]),
      [
        ['hat/3.jpg', 'like hat/1.jpg'],
        ['shirt/6.jpg', 'like shirt/5.jpg'],
      ],
    );
    const labels = of('labels agree on the same image');
    assert.equal(labels.failing, 4, 'all that show it, because nobody knows which is right');
    assert.equal(labels.outcome, 'warn');
    assert.match(String(labels.examples[3].note), /shirt\/4\.jpg, and hat\/1\.jpg is hat/);
  });

  test('finds the same picture in two folders above the classes, and in two parts of a split', async () => {
    const files = {
      'train/hat/1.jpg': photo('hat'),
      'train/shirt/2.jpg': photo('shirt'),
      'train/shirt/2b.jpg': relabelled(photo('shirt'), 'same part'),
      'test/hat/3.jpg': relabelled(photo('hat'), 'leaked'),
      'test/shoes/4.jpg': photo('shoes'),
    };
    const { version, of } = await judged('leaking', files);
    const folders = of('folders share no image');
    assert.equal(folders.failing, 2);
    assert.match(String(folders.examples[0].note), /in test, and as train\/hat\/1\.jpg in train/);
    const split = await bench.data.split(version.digest, {
      dataset: 'leaking',
      key: 'path',
      parts: { one: 0.5, two: 0.5 },
      salt: 's',
      by: ada,
    });
    const again = await bench.data.quality(version.digest, { key: 'path', target: 'label', by: ada });
    const leak = again.characteristics.flatMap(({ checks }) => checks).find(({ name }) => name.startsWith('parts share no image'));
    const partOf = new Map<string, string>();
    for (const { part, version: digest } of split.parts)
      for (const path of (await bench.data.open(digest)).texts('path').dictionary) partOf.set(path, part);
    const torn = [
      ['train/hat/1.jpg', 'test/hat/3.jpg'],
      ['train/shirt/2.jpg', 'train/shirt/2b.jpg'],
    ].filter(([one, other]) => partOf.get(one) !== partOf.get(other));
    assert.equal(leak?.failing, torn.length * 2);
  });

  test('says which images have no label and which labels have no image, and counts the classes', async () => {
    const folder = join(bench.folder, 'labelled');
    await writeImages(folder, { 'a.jpg': photo('hat'), 'b.jpg': photo('shirt') });
    const labels = { file: await bench.file('l.csv', 'path,label\na.jpg,hat\nlost.jpg,hat\n'), path: 'path', label: 'label' };
    const { version } = await bench.data.ingestImages({ dataset: 'labelled', folder, labels, source: 'labelled/', by: ada });
    const frame = await bench.data.open(version.digest);
    const finding = async (name: string) => (await imageCheckNamed(frame, name))?.finding;
    assert.deepEqual(
      (await finding('labelled images'))?.examples.map(({ value }) => value),
      ['b.jpg'],
    );
    assert.deepEqual(
      (await finding('images of labels'))?.examples.map(({ value }) => value),
      ['lost.jpg'],
    );
    assert.equal((await finding('images of labels'))?.limits.fail, 1);
    assert.match((await finding('images of each class'))?.message ?? '', /hat 1; 1 of 1 classes have fewer than 30 images/);
  });

  test('leaves the reports of tables as they were', async () => {
    const { version } = await bench.data.ingest({ dataset: 't', path: await bench.file('t.csv', 'path,label\na,b\nc,d\n'), by: ada });
    const report = await bench.data.quality(version.digest, { by: ada });
    assert.equal(
      report.characteristics.flatMap(({ checks }) => checks).some(({ name }) => /image/.test(name)),
      false,
    );
  });
});

describe('images unlike the others', () => {
  const measures = { brightness: 0.5, contrast: 0.2, sharpness: 0.02, phash: '0'.repeat(16), pixels: '' };
  const row = (index: number, change: Partial<ImageFacts> & { readonly measures?: ImageFacts['measures'] } = {}): ImageRow => ({
    path: `c/${String(index).padStart(3, '0')}.jpg`,
    label: 'c',
    folder: null,
    file: {
      size: 1000,
      sha256: String(index).padStart(64, '0'),
      md5: String(index).padStart(32, '0'),
      facts: {
        format: 'jpeg',
        width: 640,
        height: 480 + (index % 5),
        channels: 3,
        measures: { ...measures, brightness: 0.4 + (index % 20) / 100, pixels: `p${index}` },
        ...change,
      },
    },
  });
  const frameWith = (change: Partial<ImageFacts>) => imageFrame([...Array.from({ length: 60 }, (_, index) => row(index)), row(60, change)]);
  const cases = [
    ['usual image size', { width: 64, height: 48 }, /3072 pixels/],
    ['usual image size', { width: 6400, height: 4800 }, /30720000 pixels/],
    ['usual proportions', { width: 2400, height: 128 }, /width is 18\.75 of height/],
    ['usual brightness', { measures: { ...measures, brightness: 0.97, pixels: 'x' } }, /brightness 0\.970/],
    ['usual sharpness', { measures: { ...measures, sharpness: 0.00001, pixels: 'x' } }, /sharpness 1\.0e-5/],
    ['something to see', { measures: { ...measures, contrast: 0.001, pixels: 'x' } }, /brightness 0\.500/],
  ] as const;
  for (const [name, change, note] of cases) {
    test(`${name}: the one is found, and no other (${note.source})`, async () => {
      const check = await imageCheckNamed(frameWith(change), name);
      assert.deepEqual([...(check?.rows ?? [])], [60]);
      assert.match(check?.finding.examples[0].note ?? '', note);
      assert.deepEqual([...((await imageCheckNamed(frameWith({}), name))?.rows ?? [])], []);
    });
  }

  test('are none among images that are nearly all alike: small differences are no outliers', async () => {
    const frame = imageFrame(Array.from({ length: 50 }, (_, index) => row(index, { width: index === 7 ? 650 : 640, height: 480 })));
    assert.deepEqual([...((await imageCheckNamed(frame, 'usual image size'))?.rows ?? [])], []);
  });

  test('pictures of one colour look alike to a hash only: they are no near duplicates', async () => {
    const like = (index: number, contrast: number): ImageRow =>
      row(index, { measures: { ...measures, contrast, phash: '00ff00ff00ff00ff', pixels: `q${index}` } });
    const rows = (contrast: number): ImageRow[] => [like(1, contrast), like(2, contrast), like(3, 0.3)];
    assert.deepEqual([...((await imageCheckNamed(imageFrame(rows(0.01)), 'near duplicates'))?.rows ?? [])], []);
    assert.deepEqual([...((await imageCheckNamed(imageFrame(rows(0.1)), 'near duplicates'))?.rows ?? [])], [0, 1, 2]);
  });

  test('classes of very different sizes are no good balance', async () => {
    const rows = Array.from({ length: 100 }, (_, index) => ({ ...row(index), label: index < 97 ? 'many' : 'few' }));
    const finding = (await imageCheckNamed(imageFrame(rows), 'balanced image classes'))?.finding;
    // entropy of (0.97, 0.03) over that of (0.5, 0.5), by hand: 0.1347 / 0.6931
    assert.ok(Math.abs((finding?.score ?? 0) - 0.19439) < 1e-4, String(finding?.score));
    assert.match(finding?.message ?? '', /32\.3 times/);
  });
});
