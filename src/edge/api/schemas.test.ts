import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { SchemaComparison, SchemaImport, SchemaInForce, SchemaInference } from '#contract';
import { ingestCustomers } from './testing-data.ts';
import { openBench } from './testing.ts';
import type { Bench } from './testing.ts';

describe('schemas over HTTP', () => {
  let bench: Bench;
  let digest = '';
  const get = async <T>(path: string, role: keyof Bench['tokens'] = 'stakeholder'): Promise<T> => {
    const response = await bench.ask(`/api/v1/${path}`, { token: bench.tokens[role] });
    assert.equal(response.status, 200, await response.clone().text());
    return (await response.json()) as T;
  };
  before(async () => {
    bench = await openBench();
    digest = await ingestCustomers(bench);
  });
  after(() => bench[Symbol.asyncDispose]());

  test('are inferred of a version by digest or name, without a value of a person, whoever asks', async () => {
    for (const role of ['stakeholder', 'data-steward'] as const) {
      const { rows, schema, text } = await get<SchemaInference>('datasets/customers/inferred-schema?why=true&tight=true', role);
      assert.equal(rows, 7043);
      const gender = schema.columns.find(({ name }) => name === 'gender');
      assert.deepEqual([gender?.personal, gender?.categories], [true, undefined]);
      assert.ok(!/Female|7590-VHVEG/.test(text));
      assert.match(text, /# present in every row; 73 different values\n {2}# from 0 to 72/);
    }
    const plain = await get<SchemaInference>(`datasets/${digest}/inferred-schema`);
    assert.ok(!plain.text.includes('# present in'), 'a text without reasons differs only where the schema does');
  });

  test('are shown as they are in force, and held against a version', async () => {
    const inForce = await get<SchemaInForce>('dataset-schemas/customers');
    assert.deepEqual([inForce.origin, inForce.file], ['reviewed', 'schemas/customers.yaml']);
    const comparison = await get<SchemaComparison>(`datasets/${digest}/schema-comparison`);
    assert.deepEqual([comparison.fits, comparison.rows, comparison.version], [true, 7043, digest]);
    assert.ok(!comparison.differences.some(({ kind }) => kind === 'broken'));
  });

  test('of what is not there are no schemas', async () => {
    for (const path of ['dataset-schemas/nothing', 'datasets/nothing/inferred-schema'])
      assert.equal((await bench.ask(`/api/v1/${path}`, { token: bench.tokens.stakeholder })).status, 404);
    const key = await bench.ask(`/api/v1/datasets/${digest}/inferred-schema?key=nothing`, { token: bench.tokens.stakeholder });
    assert.equal(key.status, 400);
  });

  test('of other tools are read, and what cannot be taken over is named', async () => {
    const post = (body: unknown): Promise<Response> =>
      bench.ask('/api/v1/schema-imports', { method: 'POST', token: bench.tokens.stakeholder, body });
    const response = await post({ text: 'feature { name: "a" type: INT drift_comparator { } }' });
    assert.equal(response.status, 200);
    const made = (await response.json()) as SchemaImport;
    assert.deepEqual([made.format, made.schema.columns[0].type, made.notTaken.length], ['tfdv', 'integer', 1]);
    const broken = await post({ text: 'feature {', format: 'tfdv' });
    assert.equal(broken.status, 400);
    assert.match(await broken.text(), /line 1, column 10/);
  });
});
