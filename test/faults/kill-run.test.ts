import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type FaultPoint, faultPoints, seeded } from '#core';
import { type Ended, gyre, type Place, start, temporaryFolder } from '../harness/gyre-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';
import { checkStore, query } from '../harness/store-check-fixture.ts';

/** What a run comes to, without ids and times: the same data and seeds give the same words. */
function figuresOf(ended: Ended): readonly string[] {
  const lines = [...ended.stdout.matchAll(/^ {2}(?:done|cached) (\S+): (.*) \(.*\)$/gm)].map(([, step, summary]) => `${step}: ${summary}`);
  // A package names its run, whose id is new; how many versions there are is asked of the store.
  const told = lines.map((line) =>
    line.replace(/version \d+, package [0-9a-f]+/, 'package …').replace(' (the same bytes: known already)', ''),
  );
  return told.sort((left, right) => left.localeCompare(right));
}

/** Everything that the killed process said is in the store. */
function checkAcknowledged(dataFolder: string, ended: Ended): void {
  const [, run] = /^pipeline run (\S+)$/m.exec(ended.stdout) ?? [];
  if (run === undefined) return;
  assert.deepEqual(query(dataFolder, `select count(*) from pipeline_runs where id = '${run}'`), [1], 'the run that was named');
  for (const [, step] of ended.stdout.matchAll(/^ {2}(?:done|cached) (\S+): /gm)) {
    const states = query(dataFolder, `select state from step_runs where pipeline_run = '${run}' and step = '${step}'`);
    assert.ok(
      states.length === 1 && ['succeeded', 'cached'].includes(String(states[0])),
      `step ${step}, which was said to be done: ${String(states)}`,
    );
  }
}

describe('gyre run killed with -9', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let project = '';
  let undisturbed: readonly string[];
  let tookMs = 0;
  /** How often a run passes a point, at least: what its store holds was written once. */
  let passed: { readonly blobs: number; readonly events: number };

  const placeOf = (data: string, fault?: string): Place => ({
    cwd: project,
    env: { GYRE_DATA: data, ...(fault === undefined ? {} : { GYRE_FAULT: fault }) },
  });
  const finish = async (data: string): Promise<void> => {
    const ended = await gyre(['run'], placeOf(data));
    assert.equal(ended.code, 0, `${ended.stdout}${ended.stderr}`);
    assert.deepEqual(figuresOf(ended), undisturbed);
    await checkStore(data);
    assert.deepEqual(
      query(data, "select count(*) from pipeline_runs where state not in ('succeeded')"),
      [0],
      'what was cut off has been brought to its end',
    );
    assert.deepEqual(query(data, 'select count(*) from model_versions'), [1], 'and nothing was registered twice');
    assert.deepEqual(query(data, "select count(*) from runs where status = 'RUNNING'"), [0]);
  };

  before(async () => {
    folder = await temporaryFolder();
    project = await smallProject(folder.path);
    const data = join(folder.path, 'undisturbed');
    const started = performance.now();
    const ended = await gyre(['run'], placeOf(data));
    tookMs = performance.now() - started;
    assert.equal(ended.code, 0, ended.stderr);
    undisturbed = figuresOf(ended);
    assert.equal(undisturbed.length, 9, undisturbed.join('\n'));
    await checkStore(data);
    passed = {
      blobs: Number(query(data, 'select count(distinct digest) from artifacts')[0]),
      events: Number(query(data, 'select count(*) from events')[0]),
    };
  });
  after(() => folder[Symbol.asyncDispose]());

  const shares: readonly (readonly [FaultPoint, readonly number[]])[] = [
    ['blob.write', [0]],
    ['blob.fsync', [0.5, 3]],
    ['blob.rename', [1]],
    ['blob.dirsync', [4]],
    ['store.commit.before', [0.05, 0.5]],
    ['store.commit.after', [0.3, 0.8]],
    ['store.fsync', [0.4]],
    ['store.acknowledge', [0.3]],
    // Secrets and server.json, of which there are few: written when the folder is new.
    ['file.write', [0]],
    ['file.fsync', [0]],
    ['file.rename', [0, 0.04]],
  ];
  for (const [point, parts] of shares) {
    for (const part of parts) {
      test(`at ${point}, ${part === 0 ? 'the first time' : `passed ${part} times as often as there are records`}, leaves whole records, and the next start completes them`, async () => {
        const nth = Math.max(1, Math.round(part * (point.startsWith('blob.') ? passed.blobs : passed.events)));
        const data = join(folder.path, `${point}-${nth}`);
        const killed = await gyre(['run'], placeOf(data, `${point}:${nth}`));
        assert.equal(
          killed.signal,
          'SIGKILL',
          `${point} is passed less than ${nth} times: choose a smaller share\n${killed.stdout}${killed.stderr}`,
        );
        await checkStore(data);
        checkAcknowledged(data, killed);
        await finish(data);
      });
    }
  }

  test('again and again, at every point in turn, comes to its end nevertheless', async () => {
    const data = join(folder.path, 'again');
    await mkdir(data);
    let kills = 0;
    for (let nth = 15; ; nth += 18) {
      const ended = await gyre(['run'], placeOf(data, `*:${nth}`));
      if (ended.signal === null) break;
      kills += 1;
      await checkStore(data);
      checkAcknowledged(data, ended);
    }
    assert.ok(kills >= 5, `${kills} kills`);
    await finish(data);
  });

  test('at random times leaves whole records, and the next start completes them', async () => {
    const random = seeded(20_260_302);
    const data = join(folder.path, 'random');
    for (let kill = 0; kill < 5; kill++) {
      const running = start(['run', '--fresh'], placeOf(data));
      const timer = setTimeout(() => running.kill('SIGKILL'), Math.round((0.15 + 0.8 * random.next()) * tookMs));
      const ended = await running.ended;
      clearTimeout(timer);
      // Killed before there was a folder: nothing is there to be whole.
      if (!existsSync(join(data, 'gyre.db'))) continue;
      await checkStore(data).catch(async (error: unknown) => {
        // Kept for whoever looks into it.
        await cp(data, `${folder.path}-broken`, { recursive: true });
        throw error;
      });
      checkAcknowledged(data, ended);
    }
    const ended = await gyre(['run'], placeOf(data));
    assert.equal(ended.code, 0, `${ended.stdout}${ended.stderr}`);
    assert.deepEqual(figuresOf(ended), undisturbed);
    await checkStore(data);
  });

  test('knows no point that is never passed, but those of plain files and of garbage collection', () => {
    const tested = new Set<FaultPoint>(shares.map(([point]) => point));
    assert.deepEqual(
      faultPoints.filter((point) => !tested.has(point) && !point.startsWith('file.') && point !== 'blob.delete'),
      [],
    );
  });
});
