import assert from 'node:assert/strict';
import { appendFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { numberColumn, createFrame, textColumn, toRecords, writeParquet } from '#tables';
import type { Frame } from '#tables';
import type { IngestRequest } from '../port.ts';
import { ada, openBench } from '../testing.ts';
import type { Bench } from '../testing.ts';

const customers = 'id,name\n1,Ada\n2,Bob\n';

async function outcomes(bench: Bench): Promise<(string | undefined)[]> {
  return (await bench.data.ingestions.list()).items.map(({ outcome }) => outcome).reverse();
}

/** As if hours lay between this moment and what happens to files now. */
const later = (bench: Bench): void => bench.clock.set(Date.now() + 3_600_000);

const part = (numbers: readonly number[], texts: readonly string[]): Frame =>
  createFrame([
    { name: 'n', type: 'integer', column: numberColumn(Float64Array.from(numbers)) },
    { name: 't', column: textColumn(texts) },
  ]);

describe('a file as a source', () => {
  test('leaves a record: where it is, how it stood, what came of it', async () => {
    await using bench = await openBench();
    const path = await bench.file('people.csv', customers);
    const { version, ingestion } = await bench.data.ingest({ dataset: 'people', path, source: 'people.csv', by: ada });
    const { items } = await bench.data.ingestions.list({ dataset: 'people' });
    assert.deepEqual(items, [ingestion]);
    const { found, ...rest } = ingestion;
    assert.deepEqual(rest, {
      id: rest.id,
      startedAt: '2026-01-31T00:00:00.000Z',
      finishedAt: '2026-01-31T00:00:00.000Z',
      dataset: 'people',
      kind: 'file',
      address: 'people.csv',
      outcome: 'new',
      version: version.digest,
      rows: 2,
      newRows: 2,
      dialect: { delimiter: ',', decimal: '.', lineEnds: 'lf' },
      by: ada,
    });
    assert.deepEqual([found.size, found.sha256], [customers.length, version.manifest.files[0].sha256]);
    assert.deepEqual((await bench.data.ingestions.list({ dataset: 'other' })).items, []);
  });

  test('is not read again when it stands as it stood', async () => {
    await using bench = await openBench();
    later(bench);
    const path = await bench.file('people.csv', customers);
    const request = { dataset: 'people', path, by: ada };
    const first = await bench.data.ingest(request);
    // whoever reads the file now fails: the blob's name is the only thing that is asked
    const second = await bench.data.ingest({ ...request, source: path });
    assert.deepEqual([second.created, second.version.digest, second.evidence], [false, first.version.digest, undefined]);
    await writeFile(path, customers);
    const touched = await bench.data.ingest(request);
    assert.equal(touched.created, false, 'the same bytes at another time');
    await appendFile(path, '3,Eve\n');
    const changed = await bench.data.ingest(request);
    assert.deepEqual([changed.created, changed.version.manifest.rows], [true, 3]);
    assert.deepEqual(await outcomes(bench), ['new', 'unchanged', 'unchanged', 'new']);
  });

  test('that could not be read is recorded with the reason, and leaves no version', async () => {
    await using bench = await openBench();
    const path = await bench.file('people.csv', 'id,name\n1,Ada,more\n');
    await assert.rejects(bench.data.ingest({ dataset: 'people', path, by: ada }), { message: /line 2: 3 fields/ });
    await assert.rejects(bench.data.ingest({ dataset: 'people', path: join(bench.folder, 'no.csv'), by: ada }), { code: 'NOT_FOUND' });
    const { items } = await bench.data.ingestions.list();
    assert.deepEqual(
      items.map(({ outcome, error, version }) => [outcome, /fields|no file/.test(error ?? ''), version]),
      [
        ['failed', true, undefined],
        ['failed', true, undefined],
      ],
    );
    assert.deepEqual((await bench.data.list()).items, []);
  });

  test('that changes while it is read is refused, and nothing is made of it', async () => {
    await using bench = await openBench();
    const path = await bench.file('people.csv', customers);
    const putFile = bench.blobs.putFile.bind(bench.blobs);
    bench.blobs.putFile = async (...args) => {
      const stored = await putFile(...args);
      await appendFile(path, '3,Eve\n');
      return stored;
    };
    await assert.rejects(bench.data.ingest({ dataset: 'people', path, by: ada }), {
      code: 'ABORTED',
      message: /people\.csv changed while it was read/,
    });
    assert.deepEqual((await bench.data.list()).items, []);
    assert.deepEqual(await outcomes(bench), ['failed']);
  });

  test('may be compressed; one that is cut off is refused', async () => {
    await using bench = await openBench();
    const whole = gzipSync(customers);
    const plain = await bench.data.ingest({ dataset: 'people', path: await bench.file('a.csv', customers), by: ada });
    const packed = await bench.data.ingest({ dataset: 'people', path: await bench.file('a.csv.gz', whole), by: ada });
    assert.equal(packed.version.rowsDigest, plain.version.rowsDigest);
    assert.deepEqual(
      packed.version.manifest.files.map(({ path }) => path),
      ['data.csv.gz'],
    );
    const half = await bench.file('b.csv.gz', whole.subarray(0, whole.length - 10));
    await assert.rejects(bench.data.ingest({ dataset: 'people', path: half, by: ada }), { message: /b\.csv\.gz ends in the middle/ });
    const none = await bench.file('c.csv.gz', customers);
    await assert.rejects(bench.data.ingest({ dataset: 'people', path: none, by: ada }), { message: /c\.csv\.gz is no whole gzip file/ });
    const lines = await bench.data.ingest({
      dataset: 'lines',
      path: await bench.file('d.jsonl.gz', gzipSync('{"a":1}\n{"a":2}\n')),
      by: ada,
    });
    assert.equal(lines.version.manifest.rows, 2);
  });

  test('is written as the project says: signs, names of missing values, dates', async () => {
    await using bench = await openBench();
    const path = await bench.file('a.csv', 'id;price;at\n1;1,5;03.04.2025\n2;-;04.03.2025\n');
    const request = { dataset: 'a', path, by: ada, dialect: { decimal: ',' as const, missing: ['-'] } };
    await assert.rejects(bench.data.ingest(request), { message: /"at" has dates that do not tell day from month.*timestamps: day-first/s });
    const { version } = await bench.data.ingest({ ...request, timestamps: 'day-first' });
    assert.deepEqual(toRecords(await bench.data.open(version.digest)), [
      { id: 1, price: 1.5, at: '2025-04-03T00:00:00.000Z' },
      { id: 2, price: null, at: '2025-03-04T00:00:00.000Z' },
    ]);
  });

  test('with a watermark gives only rows beyond it, appended to those that were there', async () => {
    await using bench = await openBench();
    const path = await bench.file('log.csv', 'id,at\n1,2025-01-01T00:00:00Z\n2,2025-01-02T00:00:00.5Z\n');
    const request: IngestRequest = { dataset: 'log', path, watermark: 'at', by: ada };
    const first = await bench.data.ingest(request);
    assert.deepEqual(first.ingestion.watermark, { column: 'at', to: '2025-01-02T00:00:00.500Z' });
    await writeFile(path, 'id,at\n2,2025-01-02T00:00:00.5Z\n3,2025-01-03T00:00:00Z\n');
    const second = await bench.data.ingest(request);
    assert.deepEqual(second.ingestion.watermark, { column: 'at', from: '2025-01-02T00:00:00.500Z', to: '2025-01-03T00:00:00.000Z' });
    assert.deepEqual([second.ingestion.newRows, second.ingestion.rows], [1, 3]);
    assert.deepEqual(second.version.manifest.derivedFrom?.operation, 'append');
    assert.equal(second.version.manifest.derivedFrom?.parents[0], first.version.digest);
    assert.deepEqual(
      toRecords(await bench.data.open(second.version.digest)).map(({ id }) => id),
      [1, 2, 3],
    );
    await writeFile(path, 'id,at\n2,2025-01-02T00:00:00.5Z\n3,2025-01-03T00:00:00Z\n');
    assert.equal((await bench.data.ingest(request)).created, false);
    await writeFile(path, 'id,at,more\n4,2025-01-04T00:00:00Z,x\n');
    await assert.rejects(bench.data.ingest(request), { message: /the new rows have "more" more, other than the version/ });
    await writeFile(path, 'id,at\n5,\n');
    await assert.rejects(bench.data.ingest({ ...request, dataset: 'other' }), { message: /the watermark "at" is missing in 1 row/ });
    assert.deepEqual(await outcomes(bench), ['new', 'new', 'unchanged', 'failed', 'failed']);
  });
});

describe('Parquet files as one source', () => {
  test('are one table in the order of their paths, folders named column=value being columns', async () => {
    await using bench = await openBench();
    for (const [country, year, numbers] of [
      ['DE', 2024, [1, 2]],
      ['FR', 2024, [3]],
      ['a%2Fb', 2025, [4]],
    ] as const) {
      const folder = join(bench.folder, `events/country=${country}/year=${year}`);
      await mkdir(folder, { recursive: true });
      await writeParquet(part(numbers, numbers.map(String)), join(folder, 'part-0.parquet'));
    }
    await writeFile(join(bench.folder, 'events/_SUCCESS'), '');
    const request: IngestRequest = {
      dataset: 'events',
      from: { kind: 'files', folder: bench.folder, pattern: 'events/**/*.parquet' },
      by: ada,
    };
    later(bench);
    const { version, ingestion } = await bench.data.ingest(request);
    assert.deepEqual([ingestion.kind, ingestion.found.files], ['files', 3]);
    assert.deepEqual(toRecords(await bench.data.open(version.digest)), [
      { n: 1, t: '1', country: 'DE', year: 2024 },
      { n: 2, t: '2', country: 'DE', year: 2024 },
      { n: 3, t: '3', country: 'FR', year: 2024 },
      { n: 4, t: '4', country: 'a/b', year: 2025 },
    ]);
    const again = await bench.data.ingest(request);
    assert.deepEqual([again.created, again.version.digest], [false, version.digest]);
    await rm(join(bench.folder, 'events/country=FR'), { recursive: true });
    const less = await bench.data.ingest(request);
    assert.deepEqual([less.created, less.version.manifest.rows], [true, 3]);
  });

  test('that differ in their columns, or in their folders, are refused by name', async () => {
    await using bench = await openBench();
    await writeParquet(part([1], ['x']), join(bench.folder, 'a.parquet'));
    await writeParquet(
      createFrame([{ name: 'n', type: 'integer', column: numberColumn(Float64Array.of(1)) }]),
      join(bench.folder, 'b.parquet'),
    );
    const from = { kind: 'files', folder: bench.folder, pattern: '*.parquet' } as const;
    await assert.rejects(bench.data.ingest({ dataset: 'd', from, by: ada }), { message: /^b\.parquet lacks "t", other than a\.parquet/ });
    await mkdir(join(bench.folder, 'k=1'));
    await writeParquet(part([1], ['x']), join(bench.folder, 'k=1/c.parquet'));
    await rm(join(bench.folder, 'b.parquet'));
    await assert.rejects(bench.data.ingest({ dataset: 'd', from: { ...from, pattern: '**/*.parquet' }, by: ada }), {
      message: /^a\.parquet is not in folders named k=…/,
    });
    await assert.rejects(bench.data.ingest({ dataset: 'd', from: { ...from, pattern: 'no/*.parquet' }, by: ada }), { code: 'NOT_FOUND' });
  });

  test('with a value that has no place in a table are refused with its row', async () => {
    await using bench = await openBench();
    const bad = createFrame([{ name: 'x', column: numberColumn(Float64Array.of(1, Infinity)) }]);
    await writeParquet(bad, join(bench.folder, 'x.parquet'));
    await assert.rejects(bench.data.ingest({ dataset: 'd', path: join(bench.folder, 'x.parquet'), by: ada }), {
      message: /x\.parquet: column "x" has a value that is not finite, in row 2/,
    });
  });
});
