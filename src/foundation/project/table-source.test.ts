import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { checkProject } from './load.ts';
import { problemText } from './problems.ts';
import { sourceFromText } from './table-source.ts';

describe('the source of a table', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-source-'));
    await mkdir(join(folder, 'events/day=1'), { recursive: true });
    await writeFile(join(folder, 'events/day=1/a.parquet'), 'x');
    await mkdir(join(folder, 'empty'));
    for (const name of ['a.csv', 'shop.db', 'book.xlsx']) await writeFile(join(folder, name), 'id,t\n1,2\n');
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const problemsOf = async (source: string, more = ''): Promise<string> => {
    const text = `project: p\ncharter: { problem: x, owner: o, success: {} }\ndata:\n  d:\n    source: ${source}\n    key: id${more}\n`;
    await writeFile(join(folder, 'gyre.yaml'), text);
    return (await checkProject(folder, { environment: {} })).problems.map(problemText).join('\n');
  };

  test('may be a file, a pattern, a folder of Parquet, an address, a database, a workbook', async () => {
    for (const source of [
      'a.csv',
      'events',
      "'events/**/*.parquet'",
      'https://example.org/a.csv.gz?x=1',
      's3://bucket/a.parquet',
      '{ postgres: "postgres://me:${env:PASSWORD}@db/x", query: SELECT 1 }',
      '{ mysql: "mysql://me@db/x", query: SELECT 1 }',
      '{ sqlite: shop.db, table: orders }',
      '{ sqlite: shop.db, query: SELECT 1 }',
      '{ excel: book.xlsx, sheet: People }',
    ])
      assert.equal(await problemsOf(source), '', source);
    assert.equal(
      await problemsOf('a.csv', '\n    watermark: id\n    timestamps: day-first\n    dialect: { decimal: ",", missing: [NA] }'),
      '',
    );
    assert.deepEqual(sourceFromText('events'), { kind: 'files', pattern: 'events/**/*.parquet' });
  });

  test('that cannot be right is said with its place', async () => {
    const cases: readonly (readonly [string, RegExp, string?])[] = [
      ['empty', /empty is a folder, and no Parquet file is in it.*empty\//],
      ["'none/*.parquet'", /no Parquet file fits none\/\*\.parquet/],
      ['https://example.org/a.exe', /is of no format that can be read/],
      ['https://me:secret@example.org/a.csv', /a credential is written down here/],
      ['{ postgres: "postgres://me:secret@db/x", query: SELECT 1 }', /postgres: a credential is written down here/],
      ['{ postgres: "postgres://me@db/x" }', /"query" is missing/],
      ['{ sqlite: shop.db }', /needs one of "query" and "table"/],
      ['{ sqlite: none.db, table: t }', /there is no file none\.db/],
      ['{ excel: a.csv }', /"a\.csv" is no \.xlsx file/],
      ['a.csv', /no column "nope"/, '\n    watermark: nope'],
      ['a.csv', /"middle-first" is not known here/, '\n    timestamps: middle-first'],
      ['{ excel: book.xlsx }', /"dialect" says nothing here/, '\n    dialect: { decimal: "," }'],
    ];
    for (const [source, words, more] of cases) assert.match(await problemsOf(source, more), words, source);
    assert.doesNotMatch(await problemsOf('{ postgres: "postgres://me:secret@db/x", query: SELECT 1 }'), /secret/);
  });
});
