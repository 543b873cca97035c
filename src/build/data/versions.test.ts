import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmod, copyFile, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { asSha256 } from '#core';
import { frameFromRecords, readCsv, toRecords, writeCsv, writeParquet } from '#tables';
import { ada, openBench } from './testing.ts';

const churn = 'examples/churn/data/telco-churn.csv';

describe('ingesting a source', () => {
  test('makes a version whose manifest, rows and event speak of the same bytes', async () => {
    await using bench = await openBench();
    const { version, created, violations } = await bench.data.ingest({
      dataset: 'customers',
      path: churn,
      key: 'customerID',
      target: 'Churn',
      by: ada,
    });
    assert.equal(created, true);
    assert.deepEqual(violations, []);
    const bytes = await readFile(churn);
    assert.deepEqual(version.manifest.files, [
      {
        path: 'data.csv',
        size: bytes.length,
        sha256: '16320c9c1ec72448db59aa0a26a0b95401046bef5d02fd3aeb906448e3055e91',
        md5: createHash('md5').update(bytes).digest('hex'),
      },
    ]);
    assert.equal(version.manifest.rows, 7043);
    const frame = await bench.data.open(version.digest);
    assert.equal(writeCsv(frame), writeCsv(readCsv(bytes).frame));
    assert.deepEqual((await bench.data.open(version.digest, { columns: ['Churn', 'tenure'] })).names, ['Churn', 'tenure']);
    const [event] = await bench.events.read();
    assert.equal(event.type, 'dev.gyre.dataset.versioned.v1');
    assert.deepEqual(event.data, { digest: version.digest, dataset: 'customers', rows: 7043 });
    assert.equal(event.actor, 'ada');
  });

  test('gives the same version for the same bytes, whatever the file is called, and records nothing the second time', async () => {
    await using bench = await openBench();
    const first = await bench.data.ingest({ dataset: 'd', path: await bench.file('a.csv', 'k,x\na,1\nb,2\n'), by: ada });
    const again = await bench.data.ingest({ dataset: 'd', path: await bench.file('b.csv', 'k,x\na,1\nb,2\n'), by: ada });
    assert.equal(again.created, false);
    assert.match(again.summary, /the same version/);
    assert.equal(again.version.digest, first.version.digest);
    assert.equal((await bench.eventTypes()).length, 1);
    const other = await bench.data.ingest({ dataset: 'd', path: await bench.file('b.csv', 'k,x\na,1\nb,3\n'), by: ada });
    assert.notEqual(other.version.digest, first.version.digest);
    assert.equal((await bench.data.list({ dataset: 'd' })).items.length, 2);
  });

  test('reads Parquet and JSON Lines into the same rows', async () => {
    await using bench = await openBench();
    const { frame } = readCsv(Buffer.from('k,x,when\na,1.5,2026-01-01\nb,,\n'));
    await writeParquet(frame, join(bench.folder, 'p.parquet'));
    const lines = toRecords(frame)
      .map((record) => JSON.stringify(record))
      .join('\n');
    const fromParquet = await bench.data.ingest({ dataset: 'p', path: join(bench.folder, 'p.parquet'), by: ada });
    const fromLines = await bench.data.ingest({ dataset: 'j', path: await bench.file('j.jsonl', lines), by: ada });
    assert.equal(fromParquet.version.manifest.format, 'parquet');
    assert.equal(fromLines.version.manifest.format, 'jsonl');
    assert.equal(fromParquet.version.rowsDigest, fromLines.version.rowsDigest);
    assert.deepEqual(toRecords(await bench.data.open(fromLines.version.digest)), toRecords(frame));
  });

  test('keeps the rows that a condition lets through as a version derived from the whole', async () => {
    await using bench = await openBench();
    const path = await bench.file('a.csv', 'k,x,c\na,1,red\nb,5,blue\nc,,red\n');
    const { version } = await bench.data.ingest({ dataset: 'd', path, where: 'x > 2', by: ada });
    assert.equal(version.manifest.rows, 1);
    assert.equal(version.manifest.derivedFrom?.operation, 'filter');
    const parent = await bench.data.get(version.manifest.derivedFrom?.parents[0] ?? '');
    assert.equal(parent.manifest.rows, 3);
    assert.equal((await bench.data.ingest({ dataset: 'd', path, where: 'x > 2', by: ada })).created, false);
    const reds = await bench.data.ingest({ dataset: 'd', path, where: "c = 'red'", by: ada });
    assert.equal(reds.version.manifest.rows, 2);
  });

  test('refuses what cannot be a dataset, and leaves nothing behind that is visible', async () => {
    await using bench = await openBench();
    const ingest = async (
      content: string | Uint8Array,
      options: { where?: string; target?: string; key?: string } = {},
      name = 'bad.csv',
    ) => bench.data.ingest({ dataset: 'd', path: await bench.file(name, content), by: ada, ...options });
    await assert.rejects(ingest('k,x\na,1\n', { where: 'x > 5' }), {
      code: 'FAILED_PRECONDITION',
      message: /none of the 1 rows meets "x > 5"; 0 rows are left/,
    });
    await assert.rejects(ingest('k,x\na,1\n', { where: 'y > 5' }), {
      code: 'INVALID_ARGUMENT',
      message: /no column "y"; the columns are k, x/,
    });
    await assert.rejects(ingest('k,x\na,1\n', { where: "x = 'one'" }), { message: /a number cannot be compared with a text/ });
    await assert.rejects(ingest('k,x\n'), { code: 'FAILED_PRECONDITION', message: /a header and 0 rows/ });
    await assert.rejects(ingest(''), { code: 'INVALID_ARGUMENT', message: /bad\.csv is empty/ });
    await assert.rejects(ingest('k,k\na,1\n'), { message: /names "k" twice/ });
    await assert.rejects(ingest('k,x\na\n'), { message: /line 2: 1 fields, where the header has 2/ });
    await assert.rejects(ingest(Buffer.from('k\n\xe9\n', 'latin1')), { message: /not UTF-8: byte 0xe9 at offset 2, line 2/ });
    await assert.rejects(ingest('x\n1\n2\nthree\n'), { message: /column "x" mixes types.*line 4 "three"/ });
    await assert.rejects(ingest('x\n1\ninf\n'), { message: /not finite: line 3 "inf"/ });
    await assert.rejects(ingest('x,y\n1,a\n2,a\n', { target: 'y' }), {
      code: 'FAILED_PRECONDITION',
      message: /target "y" has one class only \(a\) in 2 rows/,
    });
    await assert.rejects(ingest('x,y\n1,a\n2,\n3,b\n', { target: 'y' }), { message: /target "y" is missing in 1 of 3 rows \(row 3\)/ });
    await assert.rejects(ingest('x\n1\n', { key: 'id' }), { message: /no column "id"; the columns are "x"/ });
    await assert.rejects(ingest('x\n1\n', {}, 'bad.xlsx'), { message: /the format cannot be told/ });
    await assert.rejects(ingest('{"a":1}\n{"a":\n', {}, 'bad.jsonl'), { message: /line 2: no valid JSON/ });
    await assert.rejects(ingest('no parquet', {}, 'bad.parquet'), { code: 'INVALID_ARGUMENT', message: /cannot be read as Parquet/ });
    await assert.rejects(bench.data.ingest({ dataset: 'd', path: join(bench.folder, 'none.csv'), by: ada }), { code: 'NOT_FOUND' });
    await assert.rejects(bench.data.ingest({ dataset: 'd', path: bench.folder, format: 'csv', by: ada }), { message: /is a folder/ });
    assert.deepEqual((await bench.data.list()).items, []);
    assert.deepEqual(await bench.eventTypes(), []);
    assert.deepEqual(
      (await readdir(bench.folder)).filter((name) => name.startsWith('gyre-rows-')),
      [],
    );
  });

  test('holds the rows against a reviewed schema and says which rows break it', async () => {
    await using bench = await openBench();
    const path = await bench.file('a.csv', 'k,x,c\na,1,red\nb,50,green\nc,3,blue\n');
    const expect = {
      columns: [
        { name: 'k', type: 'string' as const, unique: true },
        { name: 'x', type: 'number' as const, max: 10 },
        { name: 'c', type: 'string' as const, categories: ['red', 'blue'] },
        { name: 'gone', type: 'string' as const },
      ],
    };
    for (const created of [true, false]) {
      const result = await bench.data.ingest({ dataset: 'd', path, expect, by: ada });
      assert.equal(result.created, created);
      assert.deepEqual(
        result.violations.map(({ name, failing, examples }) => ({ name, failing, example: examples[0] })),
        [
          { name: 'columns', failing: 1, example: { column: 'gone', value: null } },
          { name: 'range: x', failing: 1, example: { row: 3, column: 'x', value: 50 } },
          { name: 'categories: c', failing: 1, example: { row: 3, column: 'c', value: 'green' } },
        ],
      );
    }
  });

  test('names a stored file whose bytes were changed', async () => {
    await using bench = await openBench();
    const { version } = await bench.data.ingest({ dataset: 'd', path: await bench.file('a.csv', 'k,x\na,1\n'), by: ada });
    const path = await bench.data.rowsPath(version.digest);
    const bytes = await readFile(path);
    bytes[bytes.length >> 1] ^= 1;
    await chmod(path, 0o644);
    await writeFile(path, bytes);
    await assert.rejects(bench.data.open(version.digest), { code: 'DATA_LOSS', message: new RegExp(version.rowsDigest) });
  });
});

describe('dataset versions', () => {
  test('made from rows have the same digest for the same rows and lineage only', async () => {
    await using bench = await openBench();
    const { frame } = readCsv(Buffer.from('k,x\na,1\nb,2\n'));
    const first = await bench.data.createFromRows({ dataset: 'window', frame, source: 'predictions', reason: 'labels came', by: ada });
    bench.clock.advance(1000);
    const again = await bench.data.createFromRows({ dataset: 'window', frame, source: 'predictions', by: ada });
    assert.deepEqual([first.created, again.created], [true, false]);
    assert.equal(again.version.createdAt, first.version.createdAt);
    assert.equal((await bench.events.read())[0].reason, 'labels came');
    const derivedFrom = { parents: [first.version.digest], operation: 'filter' as const, parameters: {} };
    const other = await bench.data.createFromRows({ dataset: 'window', frame, derivedFrom, source: 'predictions', by: ada });
    assert.notEqual(other.version.digest, first.version.digest);
    assert.equal(other.version.rowsDigest, first.version.rowsDigest);
  });

  test('grow by appending rows, and name both parents', async () => {
    await using bench = await openBench();
    const { version } = await bench.data.ingest({ dataset: 'd', path: await bench.file('a.csv', 'k,x,c\na,1,red\nb,2,blue\n'), by: ada });
    const grown = await bench.data.append({
      dataset: 'd',
      to: version.digest,
      rows: [{ k: 'z', x: 9, c: null }],
      reason: 'window 3',
      by: ada,
    });
    assert.deepEqual(grown.version.manifest.derivedFrom?.parents, [version.digest, grown.rows.digest]);
    assert.deepEqual(
      toRecords(await bench.data.open(grown.version.digest)).map(({ k }) => k),
      ['a', 'b', 'z'],
    );
    const swapped = frameFromRecords(
      [{ c: 'red', x: 9, k: 'y' }],
      [
        { name: 'c', type: 'string' },
        { name: 'x', type: 'integer' },
        { name: 'k', type: 'string' },
      ],
    );
    const more = await bench.data.append({ dataset: 'd', to: grown.version.digest, rows: swapped, reason: 'window 4', by: ada });
    assert.equal(more.version.manifest.rows, 4);
    await assert.rejects(bench.data.append({ dataset: 'd', to: version.digest, rows: [], reason: 'r', by: ada }), {
      message: /0 rows to append/,
    });
    await assert.rejects(bench.data.append({ dataset: 'd', to: version.digest, rows: [{ k: 'a', x: 'one' }], reason: 'r', by: ada }), {
      message: /record 0, column "x"/,
    });
  });

  test('are found by the beginning of their digest, listed page by page, newest first', async () => {
    await using bench = await openBench();
    const digests: string[] = [];
    for (let i = 0; i < 5; i++) {
      digests.unshift((await bench.data.ingest({ dataset: 'd', path: await bench.file('a.csv', `x\n${i}\n`), by: ada })).version.digest);
    }
    assert.equal((await bench.data.get(digests[0].slice(0, 12))).digest, digests[0]);
    await assert.rejects(bench.data.get('f'.repeat(64)), { code: 'NOT_FOUND', message: /no dataset version f/ });
    const first = await bench.data.list({ dataset: 'd', limit: 3 });
    const second = await bench.data.list({ dataset: 'd', limit: 3, ...(first.next ? { after: first.next } : {}) });
    assert.deepEqual(
      [...first.items, ...second.items].map(({ digest }) => digest),
      digests,
    );
    assert.equal(second.next, undefined);
    await assert.rejects(bench.data.list({ after: 'x' }), { code: 'INVALID_ARGUMENT' });
  });

  test('are compared by shape and by values', async () => {
    await using bench = await openBench();
    const rows = (n: number, shift: number): string =>
      `k,x,c\n${Array.from({ length: n }, (_, i) => `${shift}-${i},${((i * 37) % 100) + shift},${i % 3 ? 'red' : 'blue'}`).join('\n')}\n`;
    const a = await bench.data.ingest({ dataset: 'd', path: await bench.file('a.csv', rows(400, 0)), by: ada });
    const same = await bench.data.ingest({ dataset: 'd', path: await bench.file('b.csv', rows(300, 0)), by: ada });
    const moved = await bench.data.ingest({ dataset: 'd', path: await bench.file('c.csv', rows(400, 30)), by: ada });
    const other = await bench.data.ingest({ dataset: 'd', path: await bench.file('d.csv', 'k,x,y\na,red,1\nb,blue,2\n'), by: ada });
    assert.deepEqual((await bench.data.compare(a.version.digest, same.version.digest)).differences, []);
    const drift = await bench.data.compare(a.version.digest, moved.version.digest);
    assert.deepEqual(
      drift.differences.map(({ column, change }) => [column, change]),
      [['x', 'values']],
    );
    assert.equal(drift.sameSchema, true);
    const shape = await bench.data.compare(a.version.digest, other.version.digest);
    assert.deepEqual(
      shape.differences.map(({ column, change }) => [column, change]),
      [
        ['c', 'removed'],
        ['y', 'added'],
        ['x', 'type'],
      ],
    );
  });

  test('keep their source bytes', async () => {
    await using bench = await openBench();
    const path = join(bench.folder, 'copy.csv');
    await copyFile(churn, path);
    const { version } = await bench.data.ingest({ dataset: 'd', path, by: ada });
    await writeFile(path, 'x\n1\n');
    assert.equal(Buffer.compare(await bench.blobs.read(asSha256(version.manifest.files[0].sha256)), await readFile(churn)), 0);
  });
});
