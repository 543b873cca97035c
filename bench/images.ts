/*
 * A folder of 100,000 labelled images as a dataset version, by the whole program: `gyre up` and `gyre data add`. Printed are time and peak
 * memory of an ingest that is killed (kill -9) halfway and taken up again, of one where nothing has changed, and the time of the pages of a
 * contact sheet, near duplicates among them. The images are photos of another folder, cut, turned and brightened by a seed.
 * Usage: node bench/images.ts PHOTOS [images] [FOLDER]; PHOTOS holds photos in folders by class; in FOLDER what was made is kept for the
 * next time (default: a temporary folder).
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import type { DatasetImages, DatasetIngestion } from '#contract';
import { seeded } from '#core';
import { start, up, type Up } from '../test/harness/gyre-fixture.ts';

const [, , photos = '', countText = '100000', kept] = process.argv;
const count = Number(countText);
const [side, wider] = [96, 128];
const atOnce = 8;

/** Writes the images: each photo again and again, every time another part of it, turned or not, brighter or darker. */
async function makeImages(folder: string): Promise<void> {
  const names = (await readdir(photos, { recursive: true })).filter((name) => /\.jpe?g$/i.test(name)).sort();
  if (names.length === 0) throw new Error(`${photos} holds no .jpg`);
  const variants = Math.ceil(count / names.length);
  let [made, next] = [0, 0];
  const lane = async (): Promise<void> => {
    while (next < names.length && made < count) {
      const index = next++;
      const random = seeded(index);
      const [label, name] = [basename(dirname(names[index])), basename(names[index]).replace(/\.\w+$/, '')];
      const { data, info } = await sharp(join(photos, names[index]))
        .resize(wider, wider, { fit: 'cover' })
        .removeAlpha()
        .toColourspace('srgb')
        .raw()
        .toBuffer({ resolveWithObject: true });
      await mkdir(join(folder, label), { recursive: true });
      for (let variant = 0; variant < variants && made < count; variant++) {
        made++;
        const part = { left: random.int(wider - side + 1), top: random.int(wider - side + 1), width: side, height: side };
        const cut = sharp(data, { raw: { width: info.width, height: info.height, channels: info.channels } }).extract(part);
        const turned = random.next() < 0.5 ? cut.flop() : cut;
        const jpeg = await turned
          .linear(0.7 + 0.6 * random.next(), 0)
          .jpeg({ quality: 80 })
          .toBuffer();
        await writeFile(join(folder, label, `${name}-${index}-${variant}.jpg`), jpeg);
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}

/** The most memory that a process has held. MiB */
async function peakOf(pid: number): Promise<number> {
  return Number(/VmHWM:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

/** The platform that is measured now. */
let platform: Up | undefined;

async function timed<T>(what: string, work: () => Promise<T>, detail: (done: T) => string = () => ''): Promise<T> {
  const started = performance.now();
  const done = await work();
  const seconds = ((performance.now() - started) / 1000).toFixed(2);
  const peak = platform === undefined ? '' : `peak ${(await peakOf(platform.running.pid)).toFixed(0)} MiB; `;
  console.log(`${what.padEnd(58)} ${seconds.padStart(8)} s  ${peak}${detail(done)}`);
  return done;
}

interface Running {
  readonly items: readonly DatasetIngestion[];
}
interface Added {
  readonly version: { readonly digest: string };
  readonly ingestion: DatasetIngestion;
}

const folder = kept ?? (await mkdtemp(join(tmpdir(), 'gyre-bench-')));
try {
  const images = join(folder, 'photos');
  if (!existsSync(images)) await timed(`${count} images made`, () => makeImages(images));
  await rm(join(folder, '.gyre'), { recursive: true, force: true });
  await writeFile(
    join(folder, 'gyre.yaml'),
    'project: many\ncharter: { problem: What is in the photos?, owner: Bench, success: { accuracy: ">= 0.5" } }\n' +
      'data: { photos: { source: photos/, key: path, target: label } }\nsteps: {}\n',
  );
  const place = { cwd: folder, env: { GYRE_PORT: '0' } };
  const add = async (): Promise<Added> => {
    const { code, stdout, stderr } = await start(['data', 'add', 'photos', '--json'], place).ended;
    if (code !== 0) throw new Error(`gyre data add: ${stdout}${stderr}`);
    return JSON.parse(stdout) as Added;
  };
  const counts = ({ ingestion: { images } }: Added): string => `${images?.found} found, ${images?.read} read, ${images?.decoded} decoded`;

  const first = await up(place);
  await timed('until half of them are in', async () => {
    const adding = start(['data', 'add', 'photos', '--json'], place).ended;
    for (;;) {
      await sleep(100);
      const { done = 0, total = Infinity } = (await first.get<Running>('dataset-ingestions?limit=1')).items[0]?.progress ?? {};
      if (done >= total / 2) break;
    }
    first.running.kill('SIGKILL');
    await adding;
  });
  const server: Up = await timed('up again after kill -9', () => up(place));
  platform = server;
  const { version } = await timed('the rest, with the quality report', add, counts);
  await timed('again, nothing has changed', add, counts);
  const list = (query: string): Promise<DatasetImages> => server.get(`datasets/${version.digest}/images?limit=200${query}`);
  await timed(
    'first page of the contact sheet, all checks made',
    () => list(''),
    ({ total, checks }) => `${total} images; ${checks.map(({ name, images: found }) => `${found} ${name}`).join(', ')}`,
  );
  await timed('a page in the middle', () => list(`&after=${Math.floor(count / 2)}`));
  await timed(
    'a page of near duplicates',
    () => list('&check=near+duplicates'),
    ({ total }) => `of ${total}`,
  );
  await timed(
    'a page of one class',
    () => list(`&label=hat`),
    ({ total }) => `of ${total}`,
  );
  await server.stop();
} finally {
  if (kept === undefined) await rm(folder, { recursive: true, force: true });
}
