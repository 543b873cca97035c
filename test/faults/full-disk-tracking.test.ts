import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { temporaryFolder, type Place, up } from '../harness/gyre-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';
import { checkStore } from '../harness/store-check-fixture.ts';

const mebibyte = 1024 * 1024;

/** Whether a file system of a given size can be had here: that is the business of root. */
const skip: string | false = process.getuid?.() === 0 ? false : 'a small file system is mounted for this by root only';

async function ask<T>(address: string, verb: string, message: object): Promise<{ readonly status: number; readonly said: T }> {
  const response = await fetch(`${address}/api/2.0/mlflow/${verb}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(message),
  });
  return { status: response.status, said: (await response.json()) as T };
}

describe('a full disk', { skip }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let place: Place;
  let data = '';
  before(async () => {
    folder = await temporaryFolder();
    place = { cwd: await smallProject(folder.path) };
    data = join(place.cwd, '.gyre');
    await mkdir(data);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m,mode=700', 'tmpfs', data]);
  });
  after(async () => {
    execFileSync('umount', [data]);
    await folder[Symbol.asyncDispose]();
  });

  test('is answered with 507 to who logs, leaves what was acknowledged readable, and is over once there is room', async () => {
    const ballast = join(data, 'ballast');
    await writeFile(ballast, Buffer.alloc(8 * mebibyte, 1));
    const house = await up(place);
    const { said } = await ask<{ run: { info: { run_id: string } } }>(house.address, 'runs/create', { experiment_id: '0' });
    const { run_id: id } = said.run.info;
    const log = (at: number) =>
      ask<{ error_code?: string; message?: string }>(house.address, 'runs/log-batch', {
        run_id: id,
        metrics: Array.from({ length: 1000 }, (_, k) => ({ key: `metric ${k}`, value: at + k, timestamp: at, step: at })),
      });
    let at = 0;
    let answer = await log(at);
    while (answer.status === 200 && at < 5000) {
      at += 1;
      answer = await log(at);
    }
    assert.deepEqual([answer.status, answer.said.error_code], [507, 'RESOURCE_EXHAUSTED'], JSON.stringify(answer.said));

    const history = async (): Promise<number> => {
      const response = await fetch(
        `${house.address}/api/2.0/mlflow/metrics/get-history?run_id=${id}&metric_key=${encodeURIComponent('metric 9')}`,
      );
      assert.equal(response.status, 200);
      const { metrics } = (await response.json()) as { metrics: readonly unknown[] };
      return metrics.length;
    };
    assert.equal(await history(), at, 'every batch that was acknowledged, and none that was refused');

    await rm(ballast);
    answer = await log(at);
    assert.equal(answer.status, 200, JSON.stringify(answer.said));
    assert.equal(await history(), at + 1);
    const ended = await house.stop();
    assert.equal(ended.code, 0, ended.stderr);
    await checkStore(data);
  });
});
