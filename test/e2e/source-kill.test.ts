import assert from 'node:assert/strict';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { once } from 'node:events';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { frameFromRecords, writeParquet } from '#tables';
import { done, facts, start, temporaryFolder } from '../harness/gyre-fixture.ts';
import { checkStore } from '../harness/store-check-fixture.ts';

const rowsOf = { lines: 1_000_000, parts: 120_000, book: 200_000 } as const;
type Dataset = keyof typeof rowsOf;
const text = (row: number): string => `${row * 7919} of the rows that are read, and its ${row % 13} words`;

/** Larger than what is read in memory, so that it goes through the engine. */
async function writeLines(path: string): Promise<void> {
  const file = createWriteStream(path);
  for (let row = 0; row < rowsOf.lines; row++)
    if (!file.write(`{"id":${row},"amount":${row % 977}.25,"text":${JSON.stringify(text(row))}}\n`)) await once(file, 'drain');
  file.end();
  await once(file, 'close');
  assert.ok((await stat(path)).size > 64 * 2 ** 20);
}

async function writeParts(folder: string): Promise<void> {
  const rows = rowsOf.parts / 3;
  for (const [index, country] of ['AT', 'CH', 'DE'].entries()) {
    await mkdir(join(folder, `country=${country}`), { recursive: true });
    const records = Array.from({ length: rows }, (_, row) => ({ id: index * rows + row, text: text(row) }));
    const schema = [
      { name: 'id', type: 'integer' },
      { name: 'text', type: 'string' },
    ] as const;
    await writeParquet(frameFromRecords(records, schema), join(folder, `country=${country}`, 'part.parquet'));
  }
}

function writeBook(path: string): void {
  const database = new DatabaseSync(path);
  database.exec('create table notes (id integer primary key, text text); begin');
  const insert = database.prepare('insert into notes values (?, ?)');
  for (let row = 0; row < rowsOf.book; row++) insert.run(row, text(row));
  database.exec('commit');
  database.close();
}

describe('an ingestion that is killed', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  before(async () => {
    folder = await temporaryFolder();
    await writeLines(join(folder.path, 'lines.jsonl'));
    await writeParts(join(folder.path, 'parts'));
    writeBook(join(folder.path, 'book.db'));
    await writeFile(
      join(folder.path, 'gyre.yaml'),
      `project: kill
charter: { problem: p, owner: o, success: { accuracy: ">= 0.5" } }
data:
  lines: { source: lines.jsonl, key: id }
  parts: { source: parts, key: id }
  book: { source: { sqlite: book.db, table: notes }, key: id }
steps: { show: { run: ls } }
`,
    );
  });
  after(() => folder[Symbol.asyncDispose]());

  for (const dataset of ['lines', 'parts', 'book'] as const satisfies readonly Dataset[]) {
    test(`of ${dataset}, at any moment, leaves a store that is whole, and the next time brings every row`, async () => {
      const place = { cwd: folder.path };
      await done(['data', 'ls'], place);
      for (const ms of [600, 1000, 1500]) {
        const adding = start(['data', 'add', dataset], place);
        await sleep(ms);
        adding.kill('SIGKILL');
        await adding.ended;
        await checkStore(join(folder.path, '.gyre'));
      }
      await done(['data', 'add', dataset], place);
      const rows = rowsOf[dataset];
      const { rows: found } = await facts<{ readonly rows: readonly (readonly unknown[])[] }>(
        ['data', 'sql', `select count(*), count(distinct id), min(id), max(id), count(text) from ${dataset}`],
        place,
      );
      assert.deepEqual(found, [[rows, rows, 0, rows - 1, rows]]);
      await checkStore(join(folder.path, '.gyre'));
      assert.deepEqual(await readdir(join(folder.path, '.gyre/blobs/incoming')), []);
      assert.deepEqual(await readdir(join(folder.path, '.gyre/tmp')), []);
      await rm(join(folder.path, '.gyre'), { recursive: true });
    });
  }
});
