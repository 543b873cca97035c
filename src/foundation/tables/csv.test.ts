import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { readCsv, toRecords, writeCsv } from './index.ts';
import type { CsvOptions } from './index.ts';

const read = (text: string | Uint8Array, options: CsvOptions = {}) =>
  readCsv(typeof text === 'string' ? Buffer.from(text) : text, { name: 't.csv', ...options });
const refused = (text: string | Uint8Array, message: RegExp, options: CsvOptions = {}) =>
  assert.throws(() => read(text, options), { code: 'INVALID_ARGUMENT', message });
const types = (text: string): Record<string, string> =>
  Object.fromEntries(read(text, { mixed: 'string' }).frame.schema.map(({ name, type }) => [name, type]));

describe('reading a CSV', () => {
  test('reads the churn table with its eleven blank charges as missing', () => {
    const { frame, delimiter, columns, lines } = read(readFileSync('examples/churn/data/telco-churn.csv'));
    assert.equal(frame.rows, 7043);
    assert.equal(frame.names.length, 21);
    assert.equal(delimiter, ',');
    assert.equal(frame.typeOf('SeniorCitizen'), 'integer');
    assert.equal(frame.typeOf('TotalCharges'), 'number');
    assert.equal(frame.typeOf('Churn'), 'string');
    const charges = columns.find(({ name }) => name === 'TotalCharges');
    assert.equal(charges?.counts.missing, 11);
    assert.equal(frame.numbers('TotalCharges').filter(Number.isNaN).length, 11);
    // independent of the reader: sum of the third column from the right over the raw lines
    const raw = readFileSync('examples/churn/data/telco-churn.csv', 'utf8').trim().split(/\r?\n/).slice(1);
    const total = raw.reduce((sum, line) => sum + Number(line.split(',')[18]), 0);
    assert.equal(
      frame.numbers('MonthlyCharges').reduce((sum, value) => sum + value, 0),
      total,
    );
    assert.equal(lines[7042], 7044);
  });

  test('takes quoted delimiters, newlines and doubled quotes, and counts lines across them', () => {
    const { frame, lines } = read('name,note\r\n"a, b","say ""hi""\nthere"\r\nc,plain\r\n');
    assert.deepEqual(toRecords(frame), [
      { name: 'a, b', note: 'say "hi"\nthere' },
      { name: 'c', note: 'plain' },
    ]);
    assert.deepEqual([...lines], [2, 4]);
  });

  test('codes a text alike whether its quotes were escaped or not', () => {
    const { frame } = read('a,b\n"x""y",1\nplain,2\n"x""y",3\nplain,4\n');
    assert.deepEqual([...frame.texts('a').codes], [0, 1, 0, 1]);
  });

  test('keeps thousands of distinct texts apart', () => {
    const keys = Array.from({ length: 5000 }, (_, i) => `key-${(i * 7919) % 5003}`);
    const { frame } = read(`k\n${keys.join('\n')}\n${keys.join('\n')}\n`);
    const { codes, dictionary } = frame.texts('k');
    assert.equal(dictionary.length, 5000);
    assert.deepEqual(
      [...codes].map((code) => dictionary[code]),
      [...keys, ...keys],
    );
  });

  test('skips a byte order mark, and takes LF, CRLF and CR', () => {
    for (const end of ['\n', '\r\n', '\r']) {
      const { frame } = read(`\ufeffa,b${end}1,x${end}2,y`);
      assert.deepEqual(toRecords(frame), [
        { a: 1, b: 'x' },
        { a: 2, b: 'y' },
      ]);
    }
  });

  test('sniffs semicolons, tabs and bars, also where commas stand in the values', () => {
    assert.equal(read('a;b\n1,5;x\n2,5;y\n', { types: { a: 'string' } }).delimiter, ';');
    assert.equal(read('a\tb\n1\t2\n').delimiter, '\t');
    assert.equal(read('a|b|c\n1|2|3\n').delimiter, '|');
    assert.equal(read('only\n1\n').delimiter, ',');
  });

  test('infers integer, number, boolean, instant and string, and never rewrites a key', () => {
    const text = [
      'i,n,b,d,t,s,zip,wide,none',
      '1,1.5,true,2026-01-31,2026-01-31T10:00:00+02:00,x,00501,12345678901234567890,',
      '-2,2,FALSE,2026-02-28,2026-01-31 10:00,y,10115,3, ',
    ].join('\n');
    const { frame } = read(text);
    assert.deepEqual(
      frame.schema.map(({ type }) => type),
      ['integer', 'number', 'boolean', 'instant', 'instant', 'string', 'string', 'string', 'string'],
    );
    assert.equal(toRecords(frame)[0].t, '2026-01-31T08:00:00.000Z');
    assert.equal(toRecords(frame)[0].zip, '00501');
    assert.equal(toRecords(frame)[0].wide, '12345678901234567890');
    assert.equal(types('d\n2026-02-30\n').d, 'string', 'the 30th of February is no day');
  });

  test('reads every number as the engine does', () => {
    const numbers = [
      '0.1',
      '1e-7',
      '123456789012345.678',
      '.5',
      '5.',
      '-0.0000001',
      '1.7976931348623157e308',
      '4.9e-324',
      '0.30000000000000004',
      '2.5E+3',
    ];
    const { frame } = read(`x\n${numbers.join('\n')}\n`);
    assert.deepEqual([...frame.numbers('x')], numbers.map(Number));
  });

  test('takes declared types and named missing values', () => {
    const { frame } = read('a,b\n1,NA\n2,3.5\n', { types: { a: 'string' }, missing: ['NA'] });
    assert.deepEqual(toRecords(frame), [
      { a: '1', b: null },
      { a: '2', b: 3.5 },
    ]);
  });

  test('writes a table that reads back the same', () => {
    const text = 'a,b,c,d\n1,"x, ""y""",2026-01-31T08:00:00.000Z,true\n,"two\nlines",,\n';
    const { frame } = read(text);
    assert.equal(writeCsv(frame), text);
    assert.equal(writeCsv(read('a\n""\nx\n').frame), 'a\n""\nx\n');
  });
});

describe('a CSV that is wrong is refused with its line', () => {
  test('nothing in it, or nothing but blank lines', () => {
    refused('', /^t\.csv is empty$/);
    refused('\ufeff', /^t\.csv is empty$/);
    refused('\n\n', /is empty: a header/);
  });

  test('ragged rows, with the expected and the found number of fields', () => {
    refused('a,b,c\n1,2,3\n4,5\n', /line 3: 2 fields, where the header has 3$/);
    refused('a,b\n1,2\n\n"x\ny",5,6\n', /line 3: a blank line/);
    refused('a,b\n"x\ny",5\n3,5,6\n', /line 4: 3 fields, where the header has 2; a field that contains "," must be quoted/);
  });

  test('another encoding, with the byte, its offset and its line', () => {
    refused(Buffer.from('name,city\nA,Köln\nB,Bonn\n', 'latin1'), /not UTF-8: byte 0xf6 at offset 13, line 2/);
    refused(Buffer.from('\ufeffa,b\n1,2', 'utf16le'), /UTF-16/);
    const late = Buffer.concat([Buffer.from(`a\n${'äöü\n'.repeat(2000)}`), Buffer.from([0xe4, 0x0a])]);
    refused(late, new RegExp(`byte 0xe4 at offset ${late.length - 2}, line 2002`));
    refused(Buffer.from([0x61, 0x0a, 0x00, 0x0a]), /zero byte at offset 2, line 2/);
    refused(Buffer.from([0x1f, 0x8b, 8]), /gzip/);
  });

  test('a duplicate or a nameless column', () => {
    refused('id,x,id\n1,2,3\n', /names "id" twice, as columns 1 and 3/);
    refused('id,,x\n1,2,3\n', /column 2 of the header has no name/);
  });

  test('a column of mixed types, with counts and examples', () => {
    refused(
      'k,x\na,1\nb,2\nc,n/a\nd,4\ne,oops\n',
      /column "x" mixes types: 3 values read as number, 2 do not: line 4 "n\/a", line 6 "oops"/,
    );
    const { columns } = read('k,x\na,1\nb,2\nc,n/a\n', { mixed: 'string' });
    assert.deepEqual(columns[1].mixed, { majority: 'number', agreeing: 2, contradicting: 1, examples: [{ line: 4, value: 'n/a' }] });
  });

  test('NaN and infinity in a number column, unless they are to be missing', () => {
    refused('x\n1\nNaN\n3\n-inf\n', /column "x" has 2 values that are not finite: line 3 "NaN", line 5 "-inf"/);
    refused('x\n1e999\n1\n', /line 2 "1e999"/);
    const { frame } = read('x\n1\nNaN\n', { nonFinite: 'missing' });
    assert.deepEqual([...frame.numbers('x')], [1, Number.NaN]);
    assert.equal(types('x\nNan\nAnna\n').x, 'string');
  });

  test('values against a declared type, and a declared column that is not there', () => {
    refused('a\n1\n2.5\nx\n', /declared as integer, but 2 values do not read as one: line 3 "2.5", line 4 "x"/, {
      types: { a: 'integer' },
    });
    refused('a\n1\n', /no column "b"; its columns are "a"/, { types: { b: 'integer' } });
  });

  test('an unclosed quote and text behind a quote', () => {
    refused('a,b\n1,"x\n2,y\n', /line 2: a quote is opened and never closed/);
    refused('a,b\n1,"x"y\n', /line 2, field 2: text follows the closing quote/);
  });
});
