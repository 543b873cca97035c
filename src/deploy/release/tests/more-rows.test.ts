import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CellValue, Charter, JudgedVersion, NamedRow, Signature } from '#contract';
import { GyreError, seeded } from '#core';
import type { ScoringModel } from '#evaluation';
import { frameFromRecords, toRecords } from '#tables';
import type { Frame } from '#tables';
import type { PlaneClient } from '../plane-client.ts';
import { dealFromGroups, fifths } from './deal.ts';
import { predictionsOf } from './predictions-of.ts';
import { type LoggedRequests, type ProductionInput, productionFindings } from './production.ts';
import { requirementsOf } from './requirements.ts';
import { validationFindings, validationSets } from './validation.ts';

const signature: Signature = {
  task: 'binary',
  inputs: [
    { name: 'tenure', type: 'integer', datatype: 'FP64', required: true, range: [0, 72] },
    { name: 'contract', type: 'string', datatype: 'BYTES', required: false },
  ],
  outputs: [],
  classes: ['No', 'Yes'],
  positive: 'Yes',
  threshold: 0.4,
};
const version = { id: 'mv-2', model: 'churn', version: 2, package: 'package-2', signature } as unknown as JudgedVersion;
const columns = [
  { name: 'tenure', type: 'integer' as const },
  { name: 'contract', type: 'string' as const },
];
type Formula = (row: NamedRow) => number;
const leaves: Formula = ({ tenure, contract }) => (contract === 'monthly' ? 0.9 : 0.1) - Number(tenure ?? 0) / 1000;

function modelOf(formula: Formula): ScoringModel {
  const shares = (frame: Frame): readonly number[] => toRecords(frame).map(formula);
  return {
    id: 'run-1',
    task: 'binary',
    classes: ['No', 'Yes'],
    inputs: signature.inputs,
    target: 'Churn',
    predict: (frame) => Promise.resolve(Float64Array.from(shares(frame))),
    probabilities: (frame) => Promise.resolve(Float64Array.from(shares(frame).flatMap((share) => [1 - share, share]))),
    truth: (frame) => Promise.resolve(Float64Array.from(toRecords(frame), ({ Churn }) => (Churn === 'Yes' ? 1 : 0))),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** A plane whose model is this formula; it refuses rows without a tenure, and keeps what it was sent. */
function planeOf(formula: Formula, sent: NamedRow[] = []): PlaneClient {
  const refuse = () => Promise.reject(new Error('not asked'));
  const answer = (rows: readonly NamedRow[]) => ({
    model: 'churn',
    version: '2',
    predictions: [...predictionsOf(signature, Float64Array.from(rows.flatMap((row) => [1 - formula(row), formula(row)])))],
  });
  return {
    get: refuse,
    post: refuse,
    predict: (rows) => Promise.resolve(answer(rows)),
    ask: (rows) => {
      if (rows.some(({ tenure }) => tenure === null)) return Promise.resolve({ status: 400, body: { error: 'tenure is missing' } });
      sent.push(...rows);
      return Promise.resolve({ status: 200, body: answer(rows) });
    },
    [Symbol.dispose]: () => undefined,
  };
}

const rowsOf = (count: number): readonly NamedRow[] =>
  Array.from({ length: count }, (_, at) => ({ tenure: at % 70, contract: at % 50 === 0 ? 'monthly' : 'yearly' }));

function logged(rows: readonly NamedRow[], actuals: readonly CellValue[] = rows.map(() => null)): LoggedRequests {
  return {
    frame: frameFromRecords([...rows], columns),
    predicted: rows.map((row) => (leaves(row) >= 0.4 ? 'Yes' : 'No')),
    scores: rows.map(leaves),
    actuals,
    at: rows.map((_, at) => Date.UTC(2026, 0, 31) - at * 60_000),
  };
}

function ofProduction(change: Partial<ProductionInput> = {}) {
  return productionFindings({
    client: planeOf(leaves),
    version,
    model: modelOf(leaves),
    requests: logged(rowsOf(1000)),
    champion: () => Promise.resolve({ version: { ...version, id: 'mv-1' }, model: modelOf(leaves) }),
    donors: [{ tenure: 71, contract: 'yearly' }],
    hidden: [],
    slices: [],
    limits: { rows: 100 },
    sleep: () => Promise.resolve(),
    ...change,
  });
}
const failing = ({ checks }: { readonly checks: readonly { readonly name: string; readonly passed: boolean }[] }) =>
  checks.filter(({ passed }) => !passed).map(({ name }) => name);

describe('rows that are drawn from groups', () => {
  test('come in turn, so that a rare group is whole among them, and are the same for the same seed', () => {
    const groups = Array.from({ length: 500 }, (_, row) => (row % 100 === 7 ? 'rare' : row % 2 === 0 ? 'even' : 'odd'));
    const dealt = dealFromGroups(groups, 50, seeded(3));
    assert.deepEqual(dealt, dealFromGroups(groups, 50, seeded(3)));
    assert.notDeepEqual(dealt, dealFromGroups(groups, 50, seeded(4)));
    assert.deepEqual([dealt.length, new Set(dealt).size], [50, 50]);
    const inGroup = (name: string): number => dealt.filter((row) => groups[row] === name).length;
    assert.equal(inGroup('rare'), 5);
    assert.deepEqual(
      [inGroup('even'), inGroup('odd')].sort((left, right) => left - right),
      [22, 23],
    );
    const many = Array.from({ length: 200 }, (_, row) => `${row < 100 ? 'No' : 'Yes'} ${row}`);
    const yes = dealFromGroups(many, 40, seeded(3)).filter((row) => row >= 100).length;
    assert.ok(yes > 8 && yes < 32, `${yes} of 40: also where there are more groups than rows`);
    assert.equal(dealFromGroups(groups, 1000, seeded(3)).length, 500);
    assert.deepEqual(dealFromGroups([], 5, seeded(3)), []);
  });

  test('of numbers are in fifths', () => {
    const of = fifths([...Array.from({ length: 100 }, (_, at) => at), null, Number.NaN]);
    assert.deepEqual(
      [0, 1, 2, 3, 4, -1].map((fifth) => of.filter((one) => one === fifth).length),
      [20, 20, 20, 20, 20, 2],
    );
  });
});

describe('requests of production', () => {
  test('are asked again of the version that is tested, the rare answers among them, and compared with production', async () => {
    const sent: NamedRow[] = [];
    const found = await ofProduction({ client: planeOf(leaves, sent) });
    assert.deepEqual(failing(found), []);
    const { production } = found;
    assert.deepEqual([production?.logged, production?.rows, production?.groups], [1000, 100, 2]);
    assert.equal(sent.filter(({ contract }) => contract === 'monthly').length, 20, 'all that there are, of 1000 requests');
    assert.deepEqual([production?.comparison?.modelVersion, production?.comparison?.changed, production?.labelled], ['mv-1', 0, 0]);
    assert.equal(production?.comparison?.metric, undefined);
    const says = requirementsOf({ checks: [...found.checks], ...(production === undefined ? {} : { production }) }, found.unasked);
    assert.match(
      says.find(({ id }) => id === 'production')?.says ?? '',
      /^100 of the newest 1000 requests are answered as the model does, 0 %/,
    );
  });

  test('that tell of a person, or that the log masks, are sent with values of rows of the test report', async () => {
    const sent: NamedRow[] = [];
    const found = await ofProduction({ client: planeOf(leaves, sent), hidden: ['tenure'] });
    assert.deepEqual([...new Set(sent.map(({ tenure }) => tenure))], [71]);
    assert.deepEqual(found.production?.exchanged, ['tenure']);
    assert.deepEqual(failing(found), []);
    const dropped = logged(rowsOf(50));
    const withoutContract = { ...dropped, frame: frameFromRecords([...rowsOf(50)], columns.slice(0, 1)) };
    assert.deepEqual((await ofProduction({ requests: withoutContract })).production?.exchanged, ['contract'], 'the log leaves it out');
  });

  test('fail a version that refuses them, or that answers otherwise than its own model', async () => {
    const holes = rowsOf(60).map((row, at) => (at % 10 === 0 ? { ...row, tenure: null } : row));
    const refused = await ofProduction({ requests: logged(holes) });
    assert.deepEqual(failing(refused), ['production: answered']);
    assert.deepEqual([refused.production?.refused, refused.production?.unanswered], [6, 0]);
    assert.match(refused.checks[0].message, /60 requests that production was sent: 6 are refused/);
    const other = await ofProduction({ client: planeOf((row) => leaves(row) * 0.9) });
    assert.deepEqual(failing(other), ['production: model']);
    const broken = await ofProduction({ client: planeOf(() => Number.NaN) });
    assert.deepEqual([failing(broken), broken.production?.unanswered], [['production: answered'], 100]);
  });

  test('are held to the limits of the project: other answers, and quality where it is known what was true', async () => {
    const rows = rowsOf(400);
    const actuals = rows.map(({ contract }) => (contract === 'monthly' ? 'Yes' : 'No'));
    const contrary: Formula = (row) => 1 - leaves(row);
    const limits = { rows: 200, changed: 0.1, drop: 0.05 };
    const requests = logged(rows, actuals);
    const worse = await ofProduction({ client: planeOf(contrary), model: modelOf(contrary), requests, limits });
    assert.deepEqual(failing(worse), ['production: changed', 'production: quality']);
    assert.deepEqual(worse.production?.comparison?.metric, { name: 'accuracy', production: 1, candidate: 0 });
    assert.ok((worse.production?.comparison?.worst.length ?? 0) > 0 && worse.production?.labelled === 200);
    const few = logged(
      rows,
      actuals.map((actual, at) => (at < 10 ? actual : null)),
    );
    const unjudged = await ofProduction({ client: planeOf(contrary), model: modelOf(contrary), requests: few, limits });
    assert.deepEqual(failing(unjudged), ['production: changed'], 'ten labels say nothing');
  });

  test('that are none, or a production that cannot be compared with, are said', async () => {
    assert.match((await ofProduction({ requests: logged([]) })).unasked.production ?? '', /no request on record yet/);
    const alone = await ofProduction({ champion: () => Promise.resolve({ why: 'the same model serves in production' }) });
    assert.deepEqual([failing(alone), alone.production?.comparison], [[], undefined]);
    assert.match(alone.unasked.production ?? '', /not compared with production: the same model serves/);
    const gone = await ofProduction({ champion: () => Promise.reject(new GyreError('DATA_LOSS', 'its package is damaged')) });
    assert.match(gone.unasked.production ?? '', /its package is damaged/);
  });
});

describe('further datasets', () => {
  const frame = frameFromRecords(
    rowsOf(200).map((row) => ({ ...row, Churn: row['contract'] === 'monthly' ? 'Yes' : 'No' })),
    [...columns, { name: 'Churn', type: 'string' }],
  );
  const judged = (sets: Parameters<typeof validationFindings>[0]['sets'], formula: Formula = leaves) =>
    validationFindings({
      client: planeOf(formula),
      version,
      model: modelOf(formula),
      blobs: { read: () => Promise.reject(new Error('not asked')) },
      unseenRows: (_, dataset) =>
        dataset === 'learned'
          ? Promise.reject(new GyreError('FAILED_PRECONDITION', 'run run-1 used dataset version learned as "train"'))
          : Promise.resolve({ frame, leftOut: 3 }),
      sets,
      charter: { success: {} } as unknown as Charter,
      slices: ['contract'],
      personal: ['tenure'],
    });

  test('are answered over the network and held to gates on all rows and on groups', async () => {
    const gates = ['accuracy >= 0.9', 'accuracy by contract >= 0.9'];
    const good = await judged([{ name: 'spring', dataset: 'd1', gates }]);
    assert.deepEqual(failing(good), []);
    assert.deepEqual(
      good.checks.map(({ name }) => name),
      gates.map((gate) => `validation: spring: ${gate}`),
    );
    const [finding] = good.validation;
    assert.deepEqual([finding.rows, finding.leftOut, finding.metrics['accuracy'], finding.errors], [200, 3, 1, []]);
    assert.equal(finding.slices.length, 2);
    // Wrong about the few monthly ones alone.
    const never = await judged([{ name: 'spring', dataset: 'd1', gates: ['accuracy >= 0.9', 'recall >= 0.5'] }], () => 0.1);
    assert.deepEqual(failing(never), ['validation: spring: recall >= 0.5']);
    assert.ok(never.validation[0].errors.every(({ inputs, truth }) => inputs['tenure'] === '***' && truth === 'Yes'));
  });

  test('that the test report speaks of have to give its figures', async () => {
    const metrics = [{ name: 'accuracy', value: 1, higherIsBetter: true }];
    const set = { set: 'later', strategy: { by: 'key' }, dataset: 'd2', rows: 200, metrics } as unknown as Parameters<
      typeof validationSets
    >[0]['validationSets'] extends readonly (infer Set)[] | undefined
      ? Set
      : never;
    const sets = validationSets({ validationSets: [set] }, []);
    assert.deepEqual(failing(await judged(sets)), []);
    const off = await judged(sets, () => 0.1);
    assert.deepEqual(failing(off), ['validation: later']);
    assert.match(off.checks[0].message, /accuracy is 0.98 over HTTP and 1 in the test report/);
  });

  test('that it has learned from, or that are not there, are failed checks; what else was found stays', async () => {
    const found = await judged([
      { name: 'train', dataset: 'learned', gates: [] },
      { name: 'nowhere', gates: [] },
      { name: 'spring', dataset: 'd1', gates: ['accuracy >= 0.5'] },
    ]);
    assert.deepEqual(failing(found), ['validation: train', 'validation: nowhere']);
    assert.match(found.checks[1].message, /dataset "nowhere" has no version yet: ingest it first/);
    assert.deepEqual(
      found.validation.map(({ name }) => name),
      ['spring'],
    );
    assert.match((await judged([])).unasked.validation ?? '', /no validation sets/);
  });
});
