import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { InputColumn, NamedRow } from '#contract';
import { seeded } from '#core';
import type { PlaneClient } from '../plane-client.ts';
import { explanationStability } from './explanations.ts';

const inputs: readonly InputColumn[] = [
  { name: 'tenure', type: 'integer', datatype: 'FP64', required: true, range: [0, 72] },
  { name: 'charges', type: 'number', datatype: 'FP64', required: false },
  { name: 'contract', type: 'string', datatype: 'BYTES', required: false, categories: ['monthly', 'yearly'] },
];
const rows: readonly NamedRow[] = Array.from({ length: 100 }, (_, at) => ({
  tenure: at % 72,
  charges: 20 + ((at * 37) % 100),
  contract: at % 2 === 0 ? 'monthly' : 'yearly',
}));

const refuse = () => Promise.reject(new Error('not asked'));
const silent: PlaneClient = { get: refuse, post: refuse, predict: refuse, ask: refuse, [Symbol.dispose]: () => undefined };

describe('explanations', () => {
  /** A plane that explains by these contributions of the columns, for each row in its turn. */
  const explaining = (of: (row: NamedRow, asked: number) => Readonly<Record<string, number>>): PlaneClient => {
    let asked = 0;
    return {
      ...silent,
      post: (_path, body) => {
        const sent = (JSON.parse(body) as { readonly rows: readonly NamedRow[] }).rows;
        asked++;
        const explanations = sent.map((row) => ({
          base: 0,
          margin: 0,
          contributions: Object.entries(of(row, asked)).map(([feature, contribution]) => ({ feature, value: null, contribution })),
          residual: 0,
        }));
        return Promise.resolve({ status: 200, body: { model: 'churn', version: '1', method: 'linear', scale: 'log_odds', explanations } });
      },
    };
  };
  const asked = async (client: PlaneClient, limit?: number) =>
    explanationStability({ client, endpoint: 'churn', inputs, rows: rows.slice(0, 8), random: seeded(3), limit });

  test('hold still for a model that weighs columns', async () => {
    const found = await asked(
      explaining((row) => ({ tenure: Number(row['tenure']) + 1000, charges: Number(row['charges']), contract: 1 })),
      0.9,
    );
    assert.deepEqual([found.explanations?.rows, found.explanations?.repeated, found.explanations?.agreement], [8, 0, 1]);
    assert.deepEqual(
      found.checks.map(({ name, passed }) => [name, passed]),
      [
        ['explanations: repeated', true],
        ['explanations: neighbours', true],
      ],
    );
  });

  test('that are others when the same rows are asked again are found, and so are those that jump from a row to its neighbour', async () => {
    const moody = await asked(explaining((_, times) => ({ tenure: times, charges: 1, contract: 2 })));
    assert.deepEqual(
      moody.checks.map(({ name, passed }) => [name, passed]),
      [['explanations: repeated', false]],
    );
    const jumpy = await asked(
      explaining((row) =>
        Number(row['charges']) % 1 === 0 ? { tenure: 3, charges: 2, contract: 1 } : { tenure: 1, charges: 2, contract: 3 },
      ),
      0.5,
    );
    assert.deepEqual([jumpy.explanations?.agreement, jumpy.checks.at(-1)?.passed], [-1, false]);
  });

  test('agree as the middle of their rows does: of an even number the mean of the two in the middle', async () => {
    // Of four rows with cents of their bill two are explained the other way round than their neighbours: agreements 1, 1, -1 and -1.
    const half = await explanationStability({
      client: explaining((row, times) =>
        times === 3 && Number(row['tenure']) < 10 ? { tenure: 1, charges: 2, contract: 3 } : { tenure: 3, charges: 2, contract: 1 },
      ),
      endpoint: 'churn',
      inputs,
      rows: [0, 1, 40, 41].map((at) => rows[at]),
      random: seeded(3),
      limit: 0.5,
    });
    assert.deepEqual([half.explanations?.agreement, half.explanations?.leastAgreement], [0, -1]);
    assert.deepEqual([half.checks.at(-1)?.observed, half.checks.at(-1)?.passed], [0, false]);
  });

  const answering = (status: number, error: string): PlaneClient => ({
    ...silent,
    post: () => Promise.resolve({ status, body: { error } }),
  });

  for (const status of [400, 404]) {
    test(`are not asked of a model that is not explained by column (${status}), but where the project asks for their agreement`, async () => {
      const refusing = answering(status, 'this model is not explained');
      const found = await asked(refusing);
      assert.deepEqual([found.checks, found.explanations], [[], undefined]);
      assert.match(found.inapplicable ?? '', /this model is not explained/);
      const [wanted] = (await asked(refusing, 0.8)).checks;
      assert.deepEqual([wanted.name, wanted.passed, wanted.observed], ['explanations: neighbours', false, null]);
      assert.match(wanted.message, new RegExp(`cannot be measured: .* ${status}: this model is not explained`));
    });
  }

  for (const status of [429, 500, 504]) {
    test(`fail where the endpoint answers ${status}, whatever the project asks`, async () => {
      const [check, ...others] = (await asked(answering(status, 'not explained within 5000 ms'))).checks;
      assert.deepEqual([check.name, check.passed, others], ['explanations: answered', false, []]);
      assert.match(check.message, new RegExp(`${status}: not explained within 5000 ms`));
    });
  }

  test('fail where the endpoint is gone, at the first request or later', async () => {
    const gone: PlaneClient = { ...silent, post: () => Promise.reject(new Error('ECONNRESET')) };
    assert.deepEqual(
      (await asked(gone, 0.8)).checks.map(({ name, passed, message }) => [name, passed, message]),
      [['explanations: answered', false, 'ECONNRESET']],
    );
    const good = explaining(() => ({ tenure: 3, charges: 2, contract: 1 }));
    let times = 0;
    const later: PlaneClient = { ...good, post: (path, body) => (++times === 3 ? gone.post(path, body) : good.post(path, body)) };
    const [check] = (await asked(later)).checks;
    assert.deepEqual([check.name, check.passed], ['explanations: answered', false]);
    assert.match(check.message, /neighbours .* ECONNRESET/);
  });
});
