import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { openShadowLog } from './shadow-log.ts';

describe('the log of shadows', () => {
  test('holds the newest lines in two files of a bounded size, across starts', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gyre-shadow-'));
    const lines = Array.from({ length: 40 }, (_, at) => JSON.stringify({ at, pad: 'x'.repeat(40) }));
    for (const part of [lines.slice(0, 15), lines.slice(15)]) {
      const log = await openShadowLog(folder, 1000, (error) => assert.fail(String(error)));
      for (const line of part) log.write(line);
      await log[Symbol.asyncDispose]();
    }
    const [older, newer] = await Promise.all(['shadow.1.jsonl', 'shadow.jsonl'].map((name) => readFile(join(folder, name), 'utf8')));
    assert.ok(older.length <= 1000 && newer.length <= 1000);
    const kept = (older + newer).trimEnd().split('\n');
    assert.deepEqual(kept, lines.slice(-kept.length));
    assert.ok(kept.length > 15);
    await rm(folder, { recursive: true });
  });

  test('says once that it cannot write, and fails nobody', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gyre-shadow-'));
    const failures: unknown[] = [];
    const log = await openShadowLog(folder, 1000, (error) => failures.push(error));
    await rm(folder, { recursive: true });
    for (const line of ['{}', '{}']) {
      log.write(line);
      await new Promise((done) => setTimeout(done, 20));
    }
    await log[Symbol.asyncDispose]();
    assert.equal(failures.length, 1);
  });
});
