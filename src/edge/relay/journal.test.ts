import assert from 'node:assert/strict';
import { appendFile, mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { Journal } from './journal.ts';

interface Note {
  readonly n: number;
}

describe('a journal', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-journal-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const numbers = async (): Promise<readonly number[]> => {
    const { journal, records } = await Journal.open<Note>(folder);
    await journal[Symbol.asyncDispose]();
    return records.map(({ head }) => head.n);
  };

  test('gives back every record with its body, those that arrived together too', async () => {
    {
      const { journal } = await Journal.open<Note>(folder);
      await using _open = journal;
      await Promise.all(Array.from({ length: 100 }, (_, n) => journal.append({ n }, Buffer.from(`body ${n}`))));
    }
    const { journal, records } = await Journal.open<Note>(folder);
    await using _open = journal;
    assert.deepEqual(
      records.map(({ head }) => head.n),
      Array.from({ length: 100 }, (_, n) => n),
    );
    assert.equal((await journal.read(records[42].body)).toString(), 'body 42');
  });

  test('leaves out a record that was cut off, and writes on behind the last whole one', async () => {
    {
      const { journal } = await Journal.open<Note>(folder);
      await using _open = journal;
      await journal.append({ n: 1 });
    }
    await appendFile(join(folder, 'journal-1.log'), Buffer.from([40, 0, 0, 0, 1, 2, 3]));
    {
      const { journal, damagedBytes } = await Journal.open<Note>(folder);
      await using _open = journal;
      assert.equal(damagedBytes, 7);
      await journal.append({ n: 2 });
    }
    assert.deepEqual(await numbers(), [1, 2]);
    assert.ok((await readdir(folder)).includes('journal-1.damaged'), 'what was cut off is kept');
  });

  test('keeps what stands behind a damaged record beside it', async () => {
    {
      const { journal } = await Journal.open<Note>(folder);
      await using _open = journal;
      for (const n of [1, 2, 3]) await journal.append({ n }, Buffer.from(`body ${n}`));
    }
    const path = join(folder, 'journal-1.log');
    const at = (await readFile(path)).indexOf('body 2');
    const file = await open(path, 'r+');
    await file.write('x', at);
    await file.close();
    assert.deepEqual(await numbers(), [1]);
    assert.match(await readFile(join(folder, 'journal-1.damaged'), 'latin1'), /body 3/);
  });

  test('begins a new file with what is given, and keeps what arrives meanwhile', async () => {
    {
      const { journal } = await Journal.open<Note>(folder);
      await using _open = journal;
      await journal.append({ n: 1 });
      await journal.startOver(() => undefined);
      const over = journal.startOver(() => [{ n: 10 }]);
      await Promise.all([over, journal.append({ n: 11 })]);
    }
    assert.deepEqual(await numbers(), [10, 11]);
    assert.equal((await readdir(folder)).filter((name) => name.endsWith('.log')).length, 1);
  });
});
