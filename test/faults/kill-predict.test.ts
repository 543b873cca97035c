import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { sha256 } from '#core';
import { gyre, start, temporaryFolder, type Ended, type Place } from '../harness/gyre-fixture.ts';
import { customersToPredict } from '../harness/predict-table-fixture.ts';

const rows = 20_000;

describe('a batch prediction that is killed', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let bad = 0;
  before(async () => {
    folder = await temporaryFolder();
    ({ bad } = await customersToPredict(folder.path, rows));
  });
  after(() => folder[Symbol.asyncDispose]());

  const place = (fault?: string): Place => ({ cwd: folder.path, env: fault === undefined ? {} : { GYRE_FAULT: fault } });
  const words = (...output: readonly string[]): string[] => [
    'predict',
    '--model',
    'model',
    '--input',
    'customers.csv',
    '--ids',
    '--part-rows',
    '4096',
    '--workers',
    '1',
    ...output,
    '--json',
  ];
  const undisturbed = async (...output: readonly string[]): Promise<void> => {
    const ended = await gyre(words(...output), place());
    assert.equal(ended.code, 0, ended.stderr);
  };
  const bytesOf = async (path: string): Promise<string> => sha256(await readFile(join(folder.path, path)));
  const requireWhole = (ended: Ended): void => {
    assert.equal(ended.code, 0, ended.stderr);
    const { rows: read, predicted, failed } = JSON.parse(ended.stdout) as { rows: number; predicted: number; failed: number };
    assert.deepEqual([read, predicted, failed], [rows, rows - bad, bad]);
  };
  /** Says the same again and again, each time killed at the nth point that it passes, until it passes fewer. */
  const untilWhole = async (output: readonly string[], nth: number, whileKilled: () => void): Promise<number> => {
    for (let kills = 0; ; kills++) {
      const ended = await gyre(words(...output), place(`*:${nth}`));
      if (ended.signal === null) {
        requireWhole(ended);
        return kills;
      }
      assert.equal(ended.signal, 'SIGKILL', ended.stderr);
      whileKilled();
      assert.ok(kills < 30, 'it gets no further');
    }
  };

  test('goes on when the same is said again, and leaves the bytes of an undisturbed run', async () => {
    await undisturbed('--output', 'calm.parquet');
    // the output's name is part of what the ids are made of: the very same command, in another folder, is what is compared
    const wanted = await bytesOf('calm.parquet');
    await rm(join(folder.path, 'calm.parquet'));
    for (const nth of [7, 11]) {
      const kills = await untilWhole(['--output', 'calm.parquet'], nth, () => undefined);
      assert.ok(kills > 1, `killed ${kills} times only`);
      assert.equal(await bytesOf('calm.parquet'), wanted);
      assert.ok(!existsSync(join(folder.path, 'calm.parquet.gyre-predict')));
      await rm(join(folder.path, 'calm.parquet'));
    }
  });

  test('shows nothing under the output’s name before it is whole, and keeps what was there', async () => {
    await undisturbed('--output', 'tree/', '--columns', 'id,contract', '--partition-by', 'contract');
    const listed = async (): Promise<string[]> => {
      const names = (await readdir(join(folder.path, 'tree'), { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
      return Promise.all(names.map(async (entry) => `${entry.name} ${sha256(await readFile(join(entry.parentPath, entry.name)))}`)).then(
        (all) => all.sort(),
      );
    };
    const wanted = await listed();
    await rm(join(folder.path, 'tree'), { recursive: true });
    const kills = await untilWhole(['--output', 'tree/', '--columns', 'id,contract', '--partition-by', 'contract'], 7, () => {
      // a folder is named once it is whole: whoever sees it sees its marker
      if (existsSync(join(folder.path, 'tree'))) assert.ok(existsSync(join(folder.path, 'tree', '_SUCCESS')));
    });
    assert.ok(kills > 1);
    assert.deepEqual(await listed(), wanted);
  });

  test('writes each row of a table once, wherever it is cut down', async () => {
    const output = ['--output', 'sqlite:scores.db', '--to-table', 'scores'];
    const count = (): number => {
      using database = new DatabaseSync(join(folder.path, 'scores.db'), { readOnly: true });
      const exists = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'scores'").get() !== undefined;
      return exists ? Number(database.prepare('SELECT count(*) AS rows FROM scores').get()?.['rows']) : 0;
    };
    const kills = await untilWhole(output, 7, () => {
      if (existsSync(join(folder.path, 'scores.db'))) assert.ok([0, rows].includes(count()), `${count()} rows are seen`);
    });
    assert.ok(kills > 3, `killed ${kills} times only`);
    using database = new DatabaseSync(join(folder.path, 'scores.db'), { readOnly: true });
    assert.deepEqual(
      {
        ...database
          .prepare(
            'SELECT count(*) AS rows, count(DISTINCT id) AS ids, count(DISTINCT prediction_id) AS predictions, count(prediction_error) AS failed FROM scores',
          )
          .get(),
      },
      { rows, ids: rows, predictions: rows, failed: bad },
    );
    // the rows of the same table come once more when they are appended once more, and once only
    const appended = await untilWhole([...output, '--append'], 8, () => assert.ok([rows, 2 * rows].includes(count())));
    assert.ok(appended > 3);
    assert.equal(count(), 2 * rows);
  });

  test('keeps its output to itself: a second one is refused while the first goes on, and may begin when that was killed', async () => {
    await using first = start(words('--output', 'busy.parquet'), place());
    while (!existsSync(join(folder.path, 'busy.parquet.gyre-predict', 'plan.json'))) {
      await sleep(5);
      if (existsSync(join(folder.path, 'busy.parquet'))) return;
    }
    process.kill(first.pid, 'SIGSTOP');
    const second = await gyre(words('--output', 'busy.parquet'), place());
    assert.notEqual(second.code, 0);
    assert.match(second.stderr, /is being written by another batch prediction/);
    process.kill(first.pid, 'SIGKILL');
    await first.ended;
    requireWhole(await gyre(words('--output', 'busy.parquet'), place()));
  });
});
