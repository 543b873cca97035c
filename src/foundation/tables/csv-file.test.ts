import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isGyreError, sha256 } from '#core';
import { csvFile } from './csv-file.ts';
import type { CsvOptions } from './csv.ts';
import { toRecords } from './frame.ts';
import { readParquet } from './parquet.ts';

describe('a CSV file that is too large for memory', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-csv-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** What either reader makes of a text: its rows and types, the file's digest, or what it says. */
  async function read(text: string | Buffer, inMemoryBytes: number, options: CsvOptions): Promise<unknown> {
    const path = join(folder, 'table.csv');
    const target = join(folder, 'rows.parquet');
    await writeFile(path, text);
    try {
      const { rows, schema, columns, dialect } = await csvFile(path, target, { ...options, name: 'table.csv', inMemoryBytes });
      const frame = await readParquet(target);
      const orders = columns?.map(({ order }) => order);
      return { rows, schema, orders, dialect, records: toRecords(frame), digest: sha256(await readFile(target)) };
    } catch (error) {
      if (isGyreError(error)) return `${error.code}: ${error.message}`;
      throw error;
    }
  }

  const many = (line: (i: number) => string): string => Array.from({ length: 3000 }, (_, i) => line(i)).join('');
  const cases: readonly (readonly [string, string | Buffer, CsvOptions?])[] = [
    [
      'all types, quotes and missing values',
      'id,name,n,b,t\n1,"a, ""b""",0.5,true,2025-01-02\n2,,,FALSE,2025-01-02T03:04:05.678+02:00\n3, x ,1e3,,\n',
    ],
    [
      'instants before 1970 with fractions',
      't\n1969-12-31T23:59:59.999\n1902-03-04 05:06:07.1234567\n0001-01-01\n1969-12-31T23:59:59.9999\n',
    ],
    ['zones without a colon', 't\n2025-01-02T03:04+0230\n2025-01-02T03:04Z\n'],
    ['numbers that the engine would take more kindly', many((i) => (i === 0 ? 'a,b\n' : `${i},${i}.5\n`)) + '7,1_000\n'],
    ['a plus sign', many((i) => (i === 0 ? 'a\n' : `${i}.5\n`)) + '+5\n'],
    ['a key with leading zeros behind the beginning', many((i) => (i === 0 ? 'a,b\n' : `${i},x\n`)) + '007,x\n'],
    ['an integer column that becomes one of numbers', many((i) => (i === 0 ? 'a\n' : `${i}\n`)) + '5.5\n'],
    ['an integer beyond 2^53', many((i) => (i === 0 ? 'a,b\n' : `${i},x\n`)) + '9007199254740993,x\n'],
    ['an integer beyond 64 bits', many((i) => (i === 0 ? 'a,b\n' : `${i},x\n`)) + '99999999999999999999,x\n'],
    ['a negative zero, and exponents', 'a,b\n-0,1e-3\n5,1E5\n'],
    ['blanks around numbers', 'a,b\n 1 ,\t2.5\n2, 3 \n'],
    ['not finite', 'a\n1.5\ninf\n2.5\n'],
    ['mixed types', `a\n${'1\n'.repeat(50)}abc\n`],
    ['more fields than the header', 'a,b\n1,2\n1,2,3\n'],
    ['fewer fields than the header', 'a,b\n1,2\n1\n'],
    ['an unclosed quote', 'a,b\n1,"2\n3,4\n'],
    ['text behind a quote', 'a,b\n1,"2"x\n3,4\n'],
    ['a quote within an unquoted field', 'a,b\n1,5" pipe\n2,6" pipe\n'],
    ['mixed line ends', 'a,b\r\n1,2\n3,4\r\n5,6\r7,8'],
    ['CRLF', 'a,b\r\n1,"x\r\ny"\r\n3,\r\n'],
    ['CR alone', 'a,b\r1,2\r3,4\r'],
    ['a blank line within', 'a,b\n1,2\n\n3,4\n'],
    ['a blank line within quotes', 'a,b\n1,"x\n\ny"\n3,4\n'],
    ['blank lines at the end', 'a,b\n1,2\n\n\n'],
    ['no UTF-8', Buffer.from('a,b\n1,caf\xe9\n', 'latin1')],
    ['a zero byte', 'a,b\n1,x\0y\n'],
    ['a byte order mark', '\ufeffa;b\n1;2\n'],
    ['a column without any value', 'a,b\n1,\n2,\n'],
    ['a header alone', 'a,b\n'],
    ['duplicate names', 'a,a\n1,2\n'],
    ['decimal commas', 'a;b\n1,5;2\n-,25;3\n', { decimal: ',' }],
    ['a point where decimals have a comma', 'a;b\n1,5;2\n1.5;3\n', { decimal: ',' }],
    ['names of missing values', 'a,b\n1,NA\nNA,x\n3,y\n', { missing: ['NA'] }],
    ['dates with the day first', 'd\n31.12.2025\n01.02.2025 10:20\n1.2.2025 10:20:30.5\n'],
    ['dates with the month first', 'd\n12/31/2025\n01/02/2025\n'],
    ['dates that tell nothing', 'd\n01/02/2025\n03/04/2025\n'],
    ['dates that tell nothing, and a word', 'd\n01/02/2025\n03/04/2025\n', { timestamps: 'month-first' }],
    ['dates as texts', 'd\n01/02/2025\n03/04/2025\n', { timestamps: 'text' }],
    ['dates that contradict each other', 'd\n31/12/2025\n12/31/2025\n'],
    ['dates that contradict the word', 'd\n31/12/2025\n', { timestamps: 'month-first' }],
    ['timestamps in several formats', `d\n${'2025-01-02\n'.repeat(20)}31/12/2025\n`],
    ['dates whose order is told at the end', `d\n${'01/02/2025\n'.repeat(3000)}31/12/2025\n`],
    ['a declared type', 'a,b\n1,2\n3,4\n', { types: { a: 'string', b: 'number' } }],
    ['a declared type that does not fit', 'a,b\n1,2\nx,4\n', { types: { a: 'integer' } }],
    ['a tab', 'a\tb\n1\t2\n'],
    ['one column', 'a\n1\n2\n'],
  ];
  for (const [name, text, options = {}] of cases) {
    test(`is read as a small one: ${name}`, async () => {
      assert.deepEqual(await read(text, 0, options), await read(text, 1 << 30, options));
    });
  }

  test('may have fields of 10 MB', async () => {
    const field = `${'long text, '.repeat(950_000)}`;
    const text = `a,b\n1,"${field}"\n2,x\n`;
    assert.deepEqual(await read(text, 0, {}), await read(text, 1 << 30, {}));
  });

  test('with a record of more than 32 MiB is refused with its line', async () => {
    assert.equal(
      await read(`a,b\n1,2\n2,"${'x'.repeat(45 * 2 ** 20)}\n`, 0, {}),
      'RESOURCE_EXHAUSTED: table.csv, line 3: a record of more than 32 MiB; is a quote never closed?',
    );
  });

  test('of a million columns is refused, and soon', async () => {
    const header = Array.from({ length: 1_000_000 }, (_, i) => `c${i}`).join(',');
    const row = '1,'.repeat(999_999);
    const refused =
      'RESOURCE_EXHAUSTED: table.csv has 1000000 columns; tables of up to 10000 are read: turn it into rows of (row, name, value)';
    assert.equal(await read(`${header}\n${row}1\n`, 0, {}), refused);
    assert.equal(await read(`${header}\n${row}1\n`, 1 << 30, {}), refused);
  });

  test('says of dates that tell nothing which choice there is', async () => {
    assert.match(
      String(await read('d\n01/02/2025\n03/04/2025\n', 1 << 30, {})),
      /^INVALID_ARGUMENT: table.csv: column "d" has dates that do not tell day from month: line 2 "01\/02\/2025", line 3 "03\/04\/2025"; say which stands first with "timestamps: day-first"/,
    );
    assert.deepEqual(((await read('d\n01/02/2025\n', 1 << 30, { timestamps: 'day-first' })) as { records: unknown }).records, [
      { d: '2025-02-01T00:00:00.000Z' },
    ]);
  });
});
