import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { readCsv } from './csv.ts';
import { toRecords } from './frame.ts';
import type { Frame } from './frame.ts';
import { writeParquet } from './parquet.ts';
import { writeRowsText } from './text-export.ts';

describe('rows written as text', () => {
  let folder = '';
  before(async () => void (folder = await mkdtemp(join(tmpdir(), 'gyre-text-'))));
  after(() => rm(folder, { recursive: true }));
  const frameOf = (csv: string): Frame => readCsv(new TextEncoder().encode(csv)).frame;
  const written = async (frame: Frame, format: 'csv' | 'jsonl'): Promise<string> => {
    await writeParquet(frame, join(folder, 'rows.parquet'));
    await writeRowsText(join(folder, 'rows.txt'), join(folder, 'rows.parquet'), format);
    return readFile(join(folder, 'rows.txt'), 'utf8');
  };

  test('come back as they were: quotes, line ends, empty texts, what is missing, instants before 1970, small and large numbers', async () => {
    const csv =
      'text,number,flag,at\n"a, ""b""\nc",0.1,true,2024-02-29T12:30:00.125Z\n,1e21,,\n" x ",-1e-7,false,1969-12-31T23:59:59.999Z\n';
    const frame = frameOf(csv);
    assert.deepEqual(
      frame.schema.map(({ type }) => type),
      ['string', 'number', 'boolean', 'instant'],
    );
    const text = await written(frame, 'csv');
    assert.deepEqual(toRecords(frameOf(text)), toRecords(frame));
    assert.match(text, /2024-02-29T12:30:00\.125Z/);
    const lines = (await written(frame, 'jsonl')).trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line) as unknown),
      toRecords(frame),
    );
  });

  test('of one column alone keep their missing values', async () => {
    assert.equal(frameOf(await written(frameOf('only\na\n""\nb\n'), 'csv')).rows, 3);
  });
});
