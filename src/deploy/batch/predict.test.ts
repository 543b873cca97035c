import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { encodeRows } from '#contract';
import type { NamedRow } from '#contract';
import { hasCode, systemClock } from '#core';
import { attr, encodeModel, graphBuilder, openSession, tensor } from '#onnx';
import { askedOfRows, decide, outcomesOf, samplePackage, writeSampleFolder } from '#serving';
import { readCsv, readParquet, toRecords } from '#tables';
import { localModel, predictBatch } from './index.ts';
import type { BatchModel, BatchRequest, BatchResult } from './index.ts';

/** What a data plane answers to a request of this row alone: its own functions, in its own order. */
async function servedAlone(
  model: BatchModel,
  row: NamedRow,
): Promise<{ label?: string; probabilities?: Record<string, number>; error?: string }> {
  await using session = await openSession(model.graph);
  try {
    encodeRows(model.signature.inputs, [row]);
    const outputs = decide(model.signature, await session.run(askedOfRows(model.signature.inputs, [row]).feeds));
    return outcomesOf(model.signature, outputs, 1)?.[0] ?? {};
  } catch (error) {
    return { error: error instanceof Error ? error.message.replace(/^row 0,? /, '') : '' };
  }
}

describe('predicting a table', () => {
  let folder: string;
  let model: BatchModel;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-batch-'));
    await writeSampleFolder(join(folder, 'model'), samplePackage({ threshold: 0.62 }));
    model = await localModel(join(folder, 'model'), systemClock);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  let runs = 0;
  const predict = (input: string, output: string, changes: Partial<BatchRequest> = {}): Promise<BatchResult> =>
    predictBatch(
      {
        model,
        input: { source: { kind: 'file', path: join(folder, input) } },
        outputs: [
          {
            target: {
              kind: 'file',
              path: join(folder, output),
              format: output.endsWith('.csv') ? 'csv' : output.endsWith('.jsonl') ? 'jsonl' : 'parquet',
            },
            existing: 'refuse',
          },
        ],
        choices: {},
        work: join(folder, `${output}.work`),
        workers: 1,
        newId: () => `run-${++runs}`,
        ...changes,
      },
      { environment: {} },
    );

  const rows: NamedRow[] = [
    { key: 'a', tenure: 12, charges: 70.5, senior: false, contract: 'One year' },
    { key: 'b', tenure: 1, charges: null, senior: true, contract: 'Month-to-month' },
    { key: 'c', tenure: null, charges: 20, senior: false, contract: 'Two year' },
    { key: 'd', tenure: 3, charges: 99.95, senior: false, contract: 'never seen' },
    { key: 'e', tenure: 40, charges: 25, senior: null, contract: null },
    { key: 'f', tenure: 2, charges: 95, senior: true, contract: null },
  ];

  it('answers each row as the data plane would, and writes the reason where it would refuse the row', async () => {
    await writeFile(join(folder, 'rows.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    const result = await predict('rows.jsonl', 'out.parquet');
    const written = toRecords(await readParquet(join(folder, 'out.parquet')));
    assert.equal(written.length, rows.length);
    for (const [at, row] of rows.entries()) {
      const { key, ...inputs } = row;
      const alone = await servedAlone(model, inputs);
      const { prediction_label, prediction_probability_No, prediction_probability_Yes, prediction_error, ...carried } = written[at];
      assert.deepEqual(carried, row);
      assert.equal(carried['key'], key);
      assert.deepEqual(
        { label: prediction_label, No: prediction_probability_No, Yes: prediction_probability_Yes, error: prediction_error },
        {
          label: alone.label ?? null,
          No: alone.probabilities?.['No'] ?? null,
          Yes: alone.probabilities?.['Yes'] ?? null,
          error: alone.error ?? null,
        },
      );
    }
    assert.deepEqual([result.rows, result.predicted, result.failed], [6, 4, 2]);
    assert.deepEqual(
      result.failures.map(({ rows: count }) => count),
      [1, 1],
    );
    assert.match(result.failures.map(({ reason }) => reason).join(' '), /column "senior": null was found.*column "tenure": null was found/);
    // nothing is left beside it
    assert.deepEqual(
      (await readdir(folder)).filter((name) => name.startsWith('out.')),
      ['out.parquet'],
    );
  });

  it('gives a row of a CSV that is no number the reason, and predicts those around it', async () => {
    await writeFile(
      join(folder, 'bad.csv'),
      'id,tenure,charges,senior,contract\n007,12,70.5,false,One year\n008,many,70.5,false,One year\n009,1,n/a,true,\n',
    );
    const result = await predict('bad.csv', 'bad-out.csv', { choices: { columns: ['id'] } });
    assert.deepEqual([result.predicted, result.failed], [1, 2]);
    const text = await readFile(join(folder, 'bad-out.csv'), 'utf8');
    const { frame } = readCsv(Buffer.from(text), { name: 'bad-out.csv', types: { id: 'string' } });
    assert.deepEqual(frame.names, [
      'id',
      'prediction_label',
      'prediction_probability_No',
      'prediction_probability_Yes',
      'prediction_error',
    ]);
    const [first, second, third] = toRecords(frame);
    assert.equal(
      first['prediction_label'],
      (await servedAlone(model, { tenure: 12, charges: 70.5, senior: false, contract: 'One year' })).label,
    );
    assert.equal(second['prediction_error'], 'column "tenure": the string "many" was found, a whole number is wanted');
    assert.equal(second['prediction_label'], null);
    assert.match(String(third['prediction_error']), /column "charges": the string "n\/a" was found, a number is wanted/);
  });

  it('gives all rows of a long table, in their order, cut in parts, with ids that stay the same', async () => {
    const count = 20_000;
    const lines = Array.from(
      { length: count },
      (_, i) => `${i},${i % 73},${20 + (i % 100)},${i % 3 === 0},${['One year', 'Two year', 'Month-to-month'][i % 3]}`,
    );
    await writeFile(join(folder, 'long.csv'), ['id,tenure,charges,senior,contract', ...lines, ''].join('\n'));
    const choices = { ids: true };
    const result = await predict('long.csv', 'long.parquet', { partRows: 3000, choices, workers: 2 });
    assert.deepEqual([result.rows, result.parts], [count, 7]);
    const cut = toRecords(await readParquet(join(folder, 'long.parquet')));
    await predict('long.csv', 'long-whole.parquet', { choices });
    const whole = toRecords(await readParquet(join(folder, 'long-whole.parquet')));
    const bare = (records: typeof cut): unknown[] => records.map(({ prediction_id: _, ...others }) => others);
    assert.deepEqual(bare(cut), bare(whole));
    assert.deepEqual(
      cut.map(({ id }) => id),
      Array.from({ length: count }, (_, i) => i),
    );
    const ids = new Set(cut.map(({ prediction_id }) => String(prediction_id)));
    assert.equal(ids.size, count);
    for (const id of ids)
      assert.match(id, new RegExp(`^0-${model.package.slice(0, 8)}-[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$`));
    await predict('long.csv', 'long.parquet', {
      partRows: 3000,
      choices,
      outputs: [{ target: { kind: 'file', path: join(folder, 'long.parquet'), format: 'parquet' }, existing: 'replace' }],
    });
    assert.deepEqual(toRecords(await readParquet(join(folder, 'long.parquet'))), cut);
  });

  it('publishes nothing when no row could be predicted, and all rows when that is allowed', async () => {
    await writeFile(join(folder, 'lacking.csv'), 'tenure,senior\n1,true\n2,false\n');
    await assert.rejects(predict('lacking.csv', 'lacking.parquet'), (error: Error) => /lacks "charges", "contract"/.test(error.message));
    const result = await predict('lacking.csv', 'lacking.parquet', { maxFailed: 1 });
    assert.deepEqual([result.predicted, result.failed], [0, 2]);
    const records = toRecords(await readParquet(join(folder, 'lacking.parquet')));
    assert.equal(records[1]['prediction_error'], 'lacks the column "charges" (a number; null says that its value is not known)');
    await writeFile(join(folder, 'half.csv'), 'tenure,charges,senior,contract\n1,2,true,x\n,2,false,x\n');
    await assert.rejects(predict('half.csv', 'half.parquet', { maxFailed: 0.4 }), (error: Error) =>
      /1 of 2 rows failed, at most 0 may fail/.test(error.message),
    );
    // what was done is published at once when it is allowed
    const half = await predict('half.csv', 'half.parquet', { maxFailed: 0.5 });
    assert.deepEqual([half.failed, half.resumedParts], [1, 1]);
  });

  it('refuses what is there already, an output that another run writes, and names that would be there twice', async () => {
    await writeFile(join(folder, 'few.jsonl'), `${JSON.stringify(rows[0])}\n`);
    await predict('few.jsonl', 'few.parquet');
    await assert.rejects(predict('few.jsonl', 'few.parquet'), (error: { code?: string }) => error.code === 'ALREADY_EXISTS');
    await predict('few.parquet', 'again.parquet', { choices: { prefix: 'second_' } });
    await assert.rejects(predict('few.parquet', 'twice.parquet'), (error: Error) =>
      /would be called "prediction_label"/.test(error.message),
    );
    await assert.rejects(predict('few.jsonl', join('nowhere', 'x.parquet')), (error: { code?: string }) => error.code === 'NOT_FOUND');
    await mkdir(join(folder, 'busy'));
    const twice = () => predict('few.jsonl', 'one.parquet', { work: join(folder, 'busy') });
    const ends = await Promise.allSettled([twice(), twice()]);
    const refused = ends.filter((end) => end.status === 'rejected');
    assert.deepEqual(
      refused.map(({ reason }) => hasCode(reason, 'ABORTED')),
      [true],
    );
  });

  it('writes a folder of Parquet with _SUCCESS, a folder for each value where that is asked', async () => {
    const target = { kind: 'folder' as const, path: join(folder, 'by-contract'), partitionBy: ['contract'] };
    await predict('rows.jsonl', 'unused.parquet', { outputs: [{ target, existing: 'refuse' }] });
    const names = (await readdir(target.path)).sort();
    assert.deepEqual(
      names,
      [
        '_SUCCESS',
        'contract=Month-to-month',
        'contract=One%20year',
        'contract=Two%20year',
        'contract=__HIVE_DEFAULT_PARTITION__',
        'contract=never%20seen',
      ].sort(),
    );
    assert.match(await readFile(join(target.path, '_SUCCESS'), 'utf8'), /"rows":6\}/);
    await assert.rejects(
      predict('rows.jsonl', 'unused.parquet', { outputs: [{ target, existing: 'refuse' }] }),
      (error: { code?: string }) => error.code === 'ALREADY_EXISTS',
    );
    await predict('rows.jsonl', 'unused.parquet', { outputs: [{ target, existing: 'replace' }] });
    const file = join(target.path, 'contract=Two%20year');
    const [name] = await readdir(file);
    assert.equal(toRecords(await readParquet(join(file, name))).length, 1);
  });

  it('runs a graph that nobody has described: columns by the names of its tensors, a wide one by a list', async () => {
    const graph = graphBuilder({ name: 'sum' });
    graph.input('x', 'FLOAT', ['N', 3]);
    graph.input('times', 'INT64', ['N', 1]);
    const sum = graph.op('ReduceSum', ['x', graph.initializer('axes', tensor('INT64', [1], BigInt64Array.of(1n)))], {
      attributes: { keepdims: attr.int(1) },
    });
    graph.output('total', 'FLOAT', ['N', 1], graph.op('Mul', [sum, graph.op('Cast', ['times'], { attributes: { to: attr.int(1) } })]));
    graph.output('again', 'INT64', ['N', 1], graph.op('Identity', ['times']));
    await writeFile(join(folder, 'sum.onnx'), encodeModel(graph));
    const bare = await localModel(join(folder, 'sum.onnx'), systemClock);
    await writeFile(join(folder, 'numbers.csv'), 'a,b,c,times\n1,2,3,2\n1,,3,2\n1,2,3,1.5\n');
    await assert.rejects(predict('numbers.csv', 'sum.parquet', { model: bare }), (error: Error) =>
      /takes 3 values a row.*--features/.test(error.message),
    );
    await predict('numbers.csv', 'sum.parquet', { model: bare, choices: { features: ['a', 'b', 'c'], columns: [] } });
    assert.deepEqual(toRecords(await readParquet(join(folder, 'sum.parquet'))), [
      { prediction_total: 12, prediction_again: 2, prediction_error: null },
      { prediction_total: null, prediction_again: 2, prediction_error: null },
      { prediction_total: null, prediction_again: null, prediction_error: 'column "times": 1.5 was found, a value of INT64 is wanted' },
    ]);
  });

  it('gives only the rows the reason whose values the model itself refuses', async () => {
    const graph = graphBuilder({ name: 'pick' });
    graph.input('at', 'INT64', ['N', 1]);
    const table = graph.initializer('table', tensor('FLOAT', [4], Float32Array.of(10, 11, 12, 13)));
    graph.output('picked', 'FLOAT', ['N', 1], graph.op('Gather', [table, 'at']));
    await writeFile(join(folder, 'pick.onnx'), encodeModel(graph));
    const picky = await localModel(join(folder, 'pick.onnx'), systemClock);
    const values = Array.from({ length: 5000 }, (_, i) => (i === 1234 ? 9 : i === 4999 ? -5 : i % 4));
    await writeFile(join(folder, 'picks.csv'), ['at', ...values, ''].join('\n'));
    const result = await predict('picks.csv', 'picks.parquet', { model: picky });
    assert.deepEqual(result.failures, [{ reason: 'the model cannot be run on these values', rows: 2 }]);
    const records = toRecords(await readParquet(join(folder, 'picks.parquet')));
    for (const [i, at] of values.entries()) {
      assert.equal(records[i]['prediction_picked'], at === 9 || at === -5 ? null : 10 + at);
      assert.equal(records[i]['prediction_error'] !== null, at === 9 || at === -5);
    }
  });
});
