import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { seeded } from '#core';
import { done, type Place, start, temporaryFolder } from '../harness/gyre-fixture.ts';
import { type Narration, narration } from '../harness/narration-fixture.ts';
import { copyOfExample, fewTrials } from '../harness/projects-fixture.ts';
import { checkStore, query } from '../harness/store-check-fixture.ts';

/** What hangs on data and seeds alone. */
const figuresOf = (told: Narration): unknown => ({
  evaluation: told.station('evaluation').map((text) => text.replace('(cached) ', '')),
  comparison: told.station('comparison'),
  spans: ['before', 'during', 'after', 'same rows'].map((name) => told.station(name)),
});

describe('gyre demo killed with -9', () => {
  test('in the middle of each chapter, at random times in it, goes on from there to the same figures', async () => {
    await using folder = await temporaryFolder();
    const example = await copyOfExample(folder.path);
    await fewTrials(example.folder);
    const place = (data: string): Place => ({ cwd: example.folder, env: { GYRE_PORT: '0', GYRE_DATA: join(folder.path, data) } });
    const words = ['demo', '--exit', '-C', example.folder];
    const undisturbed = narration(await done(words, place('undisturbed')));

    const data = join(folder.path, 'killed');
    const random = seeded(3);
    const chapters = [/^ {2}data /, /^ {2}certificate /, /^ {2}day 2 /, /^ {2}ALERT /, /^ {2}retraining /, /^ {2}day 10 /];
    const lived = new Set<string>();
    for (const chapter of chapters) {
      await using running = start(words, place('killed'));
      await running.line(chapter);
      const timer = setTimeout(() => running.kill('SIGKILL'), random.int(400));
      const ended = await running.ended;
      clearTimeout(timer);
      assert.equal(ended.signal, 'SIGKILL', ended.stderr);
      await checkStore(data);
      // What was told was on record before it was told.
      const told = narration(ended.stdout);
      for (const [, day] of ended.stdout.matchAll(/^ {2}(day \d+) /gm)) {
        const [text] = told.station(day);
        const start = /^(\d{4}-\d{2}-\d{2}): 160 predictions/.exec(text)?.[1];
        assert.ok(start !== undefined, text);
        const windows = query(
          data,
          `select id from monitor_windows where start = ${Date.parse(`${start}T00:00:00Z`)} and record is not null`,
        );
        assert.equal(windows.length, 1, `${day} was told, and its window is on record`);
        lived.add(day);
      }
      const releases = told.station('release').length;
      assert.ok(
        query(data, "select id from deployments where environment = 'production' and state in ('live', 'superseded')").length >= releases,
      );
    }
    assert.ok(lived.has('day 9'), [...lived].join(', '));

    const after = narration(await done(words, place('killed')));
    assert.deepEqual(figuresOf(after), figuresOf(undisturbed));
    await checkStore(data);
    assert.deepEqual(query(data, 'select count(*) from model_versions'), [2]);
    assert.deepEqual(
      query(data, "select count(*) from predictions where environment = 'production'"),
      [13 * 160],
      'nobody was predicted twice',
    );
    assert.deepEqual(query(data, 'select count(*) from alerts'), [1]);
    assert.deepEqual(query(data, "select count(*) from actions where kind = 'retrain'"), [1]);
  });
});
