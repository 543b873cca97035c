import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ada, openBench } from './testing.ts';

const csv = (rows: number): string => `id,size\n${Array.from({ length: rows }, (_, row) => `k${row},${row}`).join('\n')}\n`;

describe('the summary of datasets', () => {
  test('names each dataset with its newest whole version, however many there are and whatever was split', async () => {
    await using bench = await openBench();
    const { data, clock } = bench;
    const first = await data.ingest({ dataset: 'shapes', path: await bench.file('a.csv', csv(20)), by: ada });
    clock.advance(60_000);
    const second = await data.ingest({ dataset: 'shapes', path: await bench.file('b.csv', csv(30)), by: ada });
    await data.split(second.version.digest, { dataset: 'shapes', key: 'id', parts: { train: 0.5, test: 0.5 }, salt: 's', by: ada });
    await data.ingest({ dataset: 'colours', path: await bench.file('c.csv', csv(5)), by: ada });

    const summaries = await data.summaries();
    assert.deepEqual(
      summaries.map(({ dataset, versions, newest }) => ({ dataset, versions, rows: newest.manifest.rows })),
      [
        { dataset: 'colours', versions: 1, rows: 5 },
        { dataset: 'shapes', versions: 2, rows: 30 },
      ],
    );
    assert.equal(summaries[1]?.firstAt, first.version.createdAt);
    assert.equal(summaries[1]?.newest.digest, second.version.digest);
    assert.deepEqual(await data.summaries('shapes'), summaries.slice(1));
    assert.deepEqual(await data.summaries('nothing'), []);
  });

  test('carries the marks of the newest report of the newest version', async () => {
    await using bench = await openBench();
    const { data } = bench;
    const { version } = await data.ingest({ dataset: 'shapes', path: await bench.file('a.csv', csv(20)), by: ada });
    assert.equal((await data.summaries())[0]?.quality, undefined);
    await data.quality(version.digest, { by: ada });
    const report = await data.quality(version.digest, { key: 'id', by: ada });
    const [summary] = await data.summaries();
    assert.equal(summary?.quality?.report, report.id);
    assert.equal(summary?.quality?.outcome, report.outcome);
    assert.deepEqual(
      summary?.quality?.scores,
      report.characteristics.map(({ name, score, outcome }) => ({ name, score, outcome })),
    );
  });

  test('is the same when one digest belongs to two datasets', async () => {
    await using bench = await openBench();
    const { data } = bench;
    const path = await bench.file('a.csv', csv(20));
    await data.ingest({ dataset: 'one', path, by: ada });
    await data.ingest({ dataset: 'two', path, by: ada });
    assert.deepEqual(
      (await data.summaries()).map(({ dataset, newest }) => [dataset, newest.dataset]),
      [
        ['one', 'one'],
        ['two', 'two'],
      ],
    );
  });
});
