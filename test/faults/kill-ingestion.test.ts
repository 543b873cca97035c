import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'node:test';
import type { DatasetIngestion } from '#contract';
import { start, up } from '../harness/gyre-fixture.ts';
import type { Up } from '../harness/gyre-fixture.ts';
import { photo, withComment, writeFiles } from '../harness/photos-fixture.ts';

const count = 2_500;

/** A project whose dataset is a folder of many photos. */
async function projectWithPhotos(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gyre-kill-ingestion-'));
  const hat = await photo('hat');
  await writeFiles(
    join(folder, 'photos'),
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`c${at % 10}/${at}.jpg`, withComment(hat, `photo ${at}`)])),
  );
  await writeFile(
    join(folder, 'gyre.yaml'),
    'project: many\ncharter: { problem: What is in the photos?, owner: Test, success: { accuracy: ">= 0.5" } }\n' +
      'data: { photos: { source: photos/, key: path, target: label } }\nsteps: {}\n',
  );
  return folder;
}

async function newest(server: Up): Promise<DatasetIngestion | undefined> {
  return (await server.get<{ items: readonly DatasetIngestion[] }>('dataset-ingestions?limit=1')).items[0];
}

/** Waits until so many images of the newest ingestion are done. */
async function untilDone(server: Up, wanted: number): Promise<void> {
  while (((await newest(server))?.progress?.done ?? 0) < wanted) await sleep(20);
}

describe('an ingestion of images', () => {
  test('is stopped by Ctrl-C, survives kill -9 of the platform, and each time goes on from what was read', async () => {
    const folder = await projectWithPhotos();
    try {
      // files that were written just now may change again unseen: they would be read again
      await sleep(2_100);
      const place = { cwd: folder };
      await using first = await up(place);
      const stopped = start(['data', 'add', 'photos'], place);
      await untilDone(first, 300);
      stopped.kill('SIGINT');
      const { code, stderr } = await stopped.ended;
      assert.equal(code, 130, stderr);
      assert.match(stderr, /the ingestion was stopped; what was read is not read again/);
      const cancelled = await newest(first);
      assert.deepEqual([cancelled?.outcome, cancelled?.version], ['cancelled', undefined]);

      const cutOff = start(['data', 'add', 'photos'], place);
      await untilDone(first, 1_500);
      first.running.kill('SIGKILL');
      const lost = await cutOff.ended;
      assert.equal(lost.code, 5, lost.stderr);

      await using second = await up(place);
      const failed = await newest(second);
      assert.deepEqual([failed?.outcome, failed?.progress], ['failed', undefined]);
      assert.match(failed?.error ?? '', /the platform ended while it went on/);
      assert.deepEqual((await second.get<{ items: readonly unknown[] }>('datasets')).items, []);
      const whole = await start(['data', 'add', 'photos', '--json'], place).ended;
      assert.equal(whole.code, 0, whole.stderr);
      const { ingestion } = JSON.parse(whole.stdout) as { readonly ingestion: DatasetIngestion };
      assert.deepEqual([ingestion.outcome, ingestion.rows, ingestion.images?.found], ['new', count, count]);
      const { read = count } = ingestion.images ?? {};
      assert.ok(read > 0 && read <= count - 1_000, `${read} were read again`);
      const words = (await start(['data', 'ingestions'], place).ended).stdout;
      assert.match(words, /photos\s+new\s/);
      assert.match(words, /photos\s+failed\s/);
      assert.match(words, /photos\s+cancelled\s/);
      await second.stop();
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
