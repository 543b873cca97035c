import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { CharterConfirmation, CharterDocuments } from '#contract';
import { openBench } from './testing.ts';
import type { Bench } from './testing.ts';

describe('phase zero over HTTP', () => {
  let bench: Bench;
  before(async () => {
    bench = await openBench({ allowLocal: true });
  });
  after(() => bench[Symbol.asyncDispose]());
  const documents = async (): Promise<CharterDocuments> => {
    const response = await bench.ask('/api/v1/charter', { token: bench.tokens.stakeholder });
    assert.equal(response.status, 200);
    // The route's own test holds the answer against its schema.
    return (await response.json()) as CharterDocuments;
  };
  const markdownOf = ({ documents: all }: CharterDocuments, name: string): string => all.find((each) => each.name === name)?.markdown ?? '';

  test('says what the project says, and names what nobody has said or done, with the line or command', async () => {
    const before = await documents();
    assert.match(markdownOf(before, 'problem-statement'), /The retention team can call 300 customers a week/);
    assert.match(markdownOf(before, 'project-charter'), /accuracy by Contract >= /);
    assert.match(markdownOf(before, 'initial-data-report'), /\*\*Missing:\*\* no version of "customers" was ingested/);
    assert.deepEqual(before.missing, [{ what: 'no version of "customers" was ingested', add: 'gyre data add customers' }]);
    assert.equal(before.confirmed, false);
  });

  test('judges the data once they are there: quality, and the thresholds against a baseline', async () => {
    const ingested = await bench.ask('/api/v1/datasets', {
      method: 'POST',
      token: bench.tokens['data-scientist'],
      body: { dataset: 'customers' },
    });
    assert.equal(ingested.status, 200);
    const report = markdownOf(await documents(), 'initial-data-report');
    assert.match(report, /7043 rows, 21 columns/);
    assert.match(report, /\| reliability \| 0\.\d+ \| warn \|/);
    assert.match(report, /\| roc_auc \| >= 0\.8 \| 0\.8\d\d \(95 % 0\.8\d\d to 0\.8\d\d\) \| 0\.500 \| met \|/);
  });

  test('is confirmed by whoever may read, under their own name, for these words and these data', async () => {
    const { charter } = await documents();
    const confirm = (digest: string, token?: string): Promise<Response> =>
      bench.ask('/api/v1/charter/confirmations', {
        method: 'POST',
        body: { charter: digest, comment: 'agreed' },
        ...(token === undefined ? {} : { token }),
      });
    assert.equal((await confirm(charter)).status, 401, 'nobody in particular agrees to nothing');
    assert.equal((await confirm('0'.repeat(64), bench.tokens.stakeholder)).status, 409, 'other words');
    const response = await confirm(charter, bench.tokens.stakeholder);
    assert.equal(response.status, 201);
    const confirmation = (await response.json()) as CharterConfirmation;
    assert.equal(confirmation.charter, charter);
    assert.deepEqual(Object.keys(confirmation.data), ['customers']);
    const later = await documents();
    assert.deepEqual([later.confirmed, later.version, later.dataChanged], [true, 1, []]);
    assert.deepEqual(later.confirmations, [confirmation]);
    const changed = { ...bench.deps.project.current().project.charter, owner: 'Somebody else' };
    await bench.deps.charters.record('churn', changed, confirmation.by);
    assert.equal((await bench.deps.charters.list('churn')).length, 2);
  });
});
