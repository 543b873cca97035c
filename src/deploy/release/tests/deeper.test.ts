import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Charter, JudgedVersion, NamedRow, Signature } from '#contract';
import { frameFromRecords } from '#tables';
import type { ReferenceRows } from '../application-tests.ts';
import type { PlaneClient } from '../plane-client.ts';
import { deeperFindings } from './deeper.ts';
import type { Prediction } from './said.ts';

const signature: Signature = {
  task: 'binary',
  inputs: [{ name: 'contract', type: 'string', datatype: 'BYTES', required: false, categories: ['monthly', 'yearly'] }],
  outputs: [],
  classes: ['No', 'Yes'],
  positive: 'Yes',
};
const answers = (count: number): Prediction[] =>
  Array.from({ length: count }, (_, at) => ({
    id: `p${at}`,
    label: at % 4 === 0 ? 'Yes' : 'No',
    probabilities: at % 4 === 0 ? { No: 0.1, Yes: 0.9 } : { No: 0.9, Yes: 0.1 },
  }));
const refuse = () => Promise.reject(new Error('not asked'));
const client: PlaneClient = {
  get: refuse,
  post: refuse,
  predict: refuse,
  ask: (rows) => Promise.resolve({ status: 200, body: { model: 'churn', version: '1', predictions: answers(rows.length) } }),
  [Symbol.dispose]: () => undefined,
};

/** What is found of so many rows, half of them of each contract. */
async function found(count: number, isWhole: boolean) {
  const rows: readonly NamedRow[] = Array.from({ length: count }, (_, at) => ({ contract: at % 2 === 0 ? 'monthly' : 'yearly' }));
  const truth = Float64Array.from(rows, (_, at) => (at % 4 === 0 ? 1 : 0));
  const reference: ReferenceRows = {
    dataset: 'rows-1',
    rows,
    expected: new Float64Array(2 * count),
    score: () => assert.fail('the metrics of all rows are judged elsewhere'),
    reported: {},
    frame: frameFromRecords([...rows], [{ name: 'contract', type: 'string' }]),
    isWhole,
    truth,
  };
  const version = { id: 'mv-1', package: 'package-1', signature } as unknown as JudgedVersion;
  return deeperFindings({
    client,
    version,
    reference,
    answers: answers(count),
    scores: truth,
    charter: { success: {} } as unknown as Charter,
    personal: [],
    settings: {
      slices: ['contract'],
      groupGates: ['accuracy by contract >= 0.1', 'demographic_parity_difference by contract <= 0.9'],
    },
    sleep: () => Promise.resolve(),
  });
}
const ofGroups = ({ checks }: Awaited<ReturnType<typeof found>>) =>
  checks.filter(({ name }) => /^(slices|fairness): /.test(name)).map(({ name, passed }) => [name.split(' ', 1)[0], passed]);

describe('gates on groups', () => {
  test('are judged again over the network', async () => {
    const large = await found(80, false);
    assert.deepEqual(ofGroups(large), [
      ['slices:', true],
      ['fairness:', true],
    ]);
    assert.deepEqual(large.unasked, {});
  });

  test('whose groups are too small among the rows that are sent are said to be judged in the test report alone', async () => {
    const small = await found(20, false);
    assert.deepEqual(ofGroups(small), []);
    assert.match(
      small.unasked.slices ?? '',
      /^"accuracy by contract >= 0.1" was judged in the test report alone: over HTTP, no value of contract has 30 rows/,
    );
    assert.match(small.unasked.fairness ?? '', /^"demographic_parity_difference by contract <= 0.9" was judged in the test report alone/);
    // Where all rows were sent there was nothing else to judge them by.
    assert.deepEqual(ofGroups(await found(20, true)), [
      ['slices:', false],
      ['fairness:', false],
    ]);
  });
});
